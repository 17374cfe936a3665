// Rows of a form: another item, one item less. A row's fields carry its number in their names.
const renumber = row => (from, to) => {
  for (const element of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
    for (const attribute of ["name", "id", "for", "aria-describedby"]) {
      const value = element.getAttribute(attribute);
      if (value?.startsWith(from)) element.setAttribute(attribute, to + value.slice(from.length));
    }
  }
};

function stem(row) {
  return row.querySelector("[name]").name.match(/^\/\w+\/\d+\//)[0];
}

function number(list) {
  const all = [...list.querySelectorAll(":scope > [data-row]")];
  all.forEach((row, index) => {
    const from = stem(row);
    renumber(row)(from, from.replace(/\d+\/$/, `${index}/`));
    row.querySelector("[data-number]").textContent = index + 1;
    row.querySelector("[data-remove]").hidden = all.length === 1;
  });
}

function add(list) {
  const last = list.querySelector(":scope > [data-row]:last-child");
  const row = last.cloneNode(true);
  for (const field of row.querySelectorAll("input, textarea")) field.value = "";
  for (const fault of row.querySelectorAll(".fault")) fault.remove();
  for (const bad of row.querySelectorAll(".bad")) bad.classList.remove("bad");
  list.append(row);
  const from = stem(row);
  renumber(row)(from, from.replace(/\d+\/$/, `${list.children.length - 1}/`));
  number(list);
  return row;
}

document.addEventListener("click", event => {
  if (event.target.closest("[data-add]")) {
    const list = event.target.closest("form").querySelector("[data-rows]");
    add(list).querySelector("input, select").focus();
  }
  const remove = event.target.closest("[data-remove]");
  if (remove) {
    const list = remove.closest("[data-rows]");
    remove.closest("[data-row]").remove();
    number(list);
    list.querySelector("input, select").focus();
  }
});

export const rows = {
  // As many rows as the fields of a draft need.
  atLeast(form, fields) {
    const list = form.querySelector("[data-rows]");
    if (!list) return;
    const most = Math.max(0, ...fields.map(([name]) => Number(name.match(/^\/(?:items|lines)\/(\d+)\//)?.[1] ?? 0)));
    while (list.children.length <= most && list.children.length < 200) add(list);
  },
  ready(root) {
    for (const list of root.querySelectorAll("[data-rows]")) number(list);
  },
};
