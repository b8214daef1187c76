// Shows the OpenAPI description with Swagger UI; requests that are tried carry the token of this tab, if there is one.

import { token } from "./login.js";

const scheme = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", scheme.matches);
scheme.addEventListener("change", dress);
dress();

globalThis.SwaggerUIBundle({
  url: "v1/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    if (token()) request.headers.Authorization ??= `Bearer ${token()}`;
    return request;
  },
});
