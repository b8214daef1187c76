// The address of a list: words, filters and order, such as `#/?q=north&state=scored&sort=-risk`.

/** Fields that cases are filtered by, with the heading of each. */
export const FIELDS = { state: "State", group: "Group", certainty: "Certainty", flag: "Flag", reason: "Refused because", site: "Site" };
/** Orders of the list; the first is that of an address without one. */
export const ORDERS = {
  "-updated": "Latest change first", updated: "Oldest change first", "-risk": "Highest risk first", risk: "Lowest risk first",
  case: "Case, A to Z", "-case": "Case, Z to A",
};
const LIST = /^#?\/?(?:\?(.*))?$/;

/** The search of an address: `q`, `sort` and a list of values for each field. */
export function parse(hash) {
  const query = new URLSearchParams(LIST.exec(hash)?.[1] ?? "");
  const values = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, query.getAll(field).filter(Boolean)]));
  const sort = query.get("sort");
  return { q: query.get("q") ?? "", sort: sort in ORDERS ? sort : Object.keys(ORDERS)[0], ...values };
}

/** The search as parameters of a request, without those that select nothing. */
export function parameters(search, { sorted = true } = {}) {
  const query = new URLSearchParams();
  if (search.q.trim()) query.set("q", search.q.trim());
  for (const field of Object.keys(FIELDS)) search[field].forEach((value) => query.append(field, value));
  if (sorted && search.sort !== Object.keys(ORDERS)[0]) query.set("sort", search.sort);
  return query;
}

/** The address of a search. */
export function format(search) {
  const query = parameters(search).toString();
  return `#/${query ? `?${query}` : ""}`;
}

/** Whether a search leaves out cases. */
export const isNarrow = (search) => parameters(search, { sorted: false }).size > 0;

let latest = "#/";
/** Keep the address of the list that is shown, for links back to it. */
export const remember = (search) => { latest = format(search); };
/** The address of the list that was shown last. */
export const latestList = () => latest;
