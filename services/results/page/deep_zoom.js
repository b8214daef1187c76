// Deep Zoom of a slide: its description, once its files are here, and parts of it as pictures.

import { ask, pixelsPath } from "./api.js";
import { token } from "./login.js";

const AGAIN_MS = 2000;

/** Size and squares of a slide; `onFetching` is called while its files are being fetched. */
export async function describe(digest, signal, onFetching) {
  for (;;) {
    const response = await ask(`${pixelsPath(digest)}.dzi`, { signal });
    if (response.status === 200) return parse(await response.text());
    onFetching();
    await pause(AGAIN_MS, signal);
  }
}

/** A tile source for OpenSeadragon; tiles carry the token of this tab. */
export function tileSource(digest, { width, height, tile }) {
  return { Image: { xmlns: "http://schemas.microsoft.com/deepzoom/2008", Url: `${pixelsPath(digest)}_files/`, Format: "jpeg", Overlap: "0", TileSize: String(tile), Size: { Width: String(width), Height: String(height) } } };
}

/** Headers of every request for a tile. */
export const headers = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

/** Paint a square part of the slide, in level-0 pixels, on a canvas. */
export async function paintPart(canvas, digest, image, { x, y, side }, signal) {
  const deepest = Math.ceil(Math.log2(Math.max(image.width, image.height)));
  const shrink = Math.max(0, Math.floor(Math.log2(side / canvas.width)));
  const [step, level] = [2 ** shrink, deepest - shrink];
  const span = image.tile * step;
  const pen = canvas.getContext("2d");
  const scale = canvas.width / side;
  const range = (start, most) => [Math.floor(Math.max(0, start) / span), Math.floor((Math.min(start + side, most) - 1) / span)];
  const [[left, right], [top, bottom]] = [range(x, image.width), range(y, image.height)];
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      const response = await ask(`${pixelsPath(digest)}_files/${level}/${column}_${row}.jpeg`, { signal, cache: "default" });
      if (response.status !== 200) return;
      const picture = await createImageBitmap(await response.blob());
      pen.drawImage(picture, (column * span - x) * scale, (row * span - y) * scale, picture.width * step * scale, picture.height * step * scale);
    }
  }
}

function parse(text) {
  const image = new DOMParser().parseFromString(text, "application/xml").documentElement;
  const size = image.getElementsByTagName("Size")[0];
  return { width: Number(size.getAttribute("Width")), height: Number(size.getAttribute("Height")), tile: Number(image.getAttribute("TileSize")) };
}

const pause = (ms, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});
