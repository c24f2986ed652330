// The page is built with text nodes only: whatever a name contains stays text.

export const $ = (id) => document.getElementById(id);

export function text(element, value) {
  const string = String(value ?? "");
  if (element.textContent !== string) element.textContent = string;
}

export function element(name, className, content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

// A row of a table: its head, a cell with state, role and reason, and a cell of each of the given classes.
export function stateRow(...classes) {
  const row = element("tr");
  const head = element("th");
  head.scope = "row";
  const state = element("td");
  state.append(element("span", "state"), element("span", "role"), element("span", "reason"));
  row.append(head, state, ...classes.map((name) => element("td", name)));
  return row;
}

export const clone = (id) => $(id).content.firstElementChild.cloneNode(true);

// Brings the children of a list in line with items, keeping elements whose key stays: focus, scroll and screen readers
// are not disturbed by what has not changed.
export function reconcile(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let child = known.get(key);
    if (child) {
      known.delete(key);
    } else {
      child = make(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const left of known.values()) left.remove();
}
