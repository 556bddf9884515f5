"use strict";
(() => {
  const graph = JSON.parse(document.getElementById("graph").textContent);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const svg = document.querySelector("svg");
  const [header, aside] = [document.querySelector("header"), document.querySelector("aside")];
  const [input, found] = [document.querySelector("input"), document.querySelector(".found")];
  const [boxes, edges, hosts] = [all("[data-box]"), all(".edge"), all("[data-row]")];
  const labels = all(".label");
  const MEMBER = 24;
  const roots = graph.roots.map(([name, host, box, before, after]) => ({ name, host, box, before, after }));
  const members = boxes.map(() => []);
  roots.forEach((root, number) => members[root.box].push(number));
  const id = (root) => `${root.name}@${root.host}`;
  const isOrdered = (label) => !graph.labels[label].endsWith("(unordered)");

  const numbers = (node, ...names) => names.map((name) => Number(node.getAttribute(name)));
  const areas = hosts.map((node) => {
    const [y, height] = numbers(node.querySelector("rect"), "y", "height");
    return { y, height, bottom: y + height, extra: 0, shown: null };
  });
  const [width, height] = numbers(svg, "width", "height");

  function make(name, attributes, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Whatever lies below hosts that were unfolded moves down.
  const shift = (y) => areas.reduce((sum, area) => sum + (area.bottom <= y ? area.extra : 0), 0);
  const move = (node, y) => node.setAttribute("transform", `translate(0 ${shift(y)})`);

  function rounded(points) {
    let path = `M${points[0]}`;
    for (let i = 1; i + 1 < points.length; i++) {
      const at = points[i];
      const towards = (other) => {
        const [dx, dy] = [other[0] - at[0], other[1] - at[1]];
        const round = Math.min(6, (Math.abs(dx) + Math.abs(dy)) / 2);
        return [at[0] + Math.sign(dx) * round, at[1] + Math.sign(dy) * round];
      };
      path += `L${towards(points[i - 1])}Q${at} ${towards(points[i + 1])}`;
    }
    return `${path}L${points[points.length - 1]}`;
  }

  function reflow() {
    const total = areas.reduce((sum, area) => sum + area.extra, 0);
    svg.setAttribute("height", height + total);
    svg.setAttribute("viewBox", `0 0 ${width} ${height + total}`);
    document.querySelector(".ground").setAttribute("height", height + total);
    hosts.forEach((node, row) => {
      move(node, areas[row].y);
      node.querySelector("rect").setAttribute("height", areas[row].height + areas[row].extra);
    });
    for (const box of boxes) move(box, Number(box.querySelector("rect").getAttribute("y")));
    for (const label of labels) move(label, Number(label.getAttribute("y")));
    for (const edge of edges) {
      const points = edge.dataset.points.split(" ").map((point) => point.split(",").map(Number));
      const end = points[points.length - 1][1];
      edge.querySelector(".line").setAttribute("d", rounded(points.map(([x, y]) => [x, y + shift(y)])));
      const head = edge.querySelector(".head");
      if (head) move(head, end);
    }
    const bottom = Math.max(0, ...areas.map((area) => area.bottom)) + total;
    for (const line of all(".column")) {
      line.setAttribute("d", line.getAttribute("d").replace(/V.*/, `V${bottom}`));
    }
  }

  function unfold(row) {
    const [area, node] = [areas[row], hosts[row]];
    if (area.shown) {
      area.shown.remove();
      [area.shown, area.extra] = [null, 0];
    } else {
      area.shown = make("g", {});
      area.extra = graph.rows[row].length * MEMBER + 8;
      const own = new Map(graph.rows[row].map((host, place) => [host, place]));
      for (const [host, place] of own) {
        const y = area.bottom + place * MEMBER + 15;
        area.shown.append(make("text", { class: "small", x: 40, y }, host));
      }
      boxes.forEach((box, number) => {
        const rect = box.querySelector("rect");
        const [x, top, wide] = numbers(rect, "x", "y", "width");
        if (top < area.y || top > area.bottom) return;
        for (const member of members[number]) {
          const y = area.bottom + own.get(roots[member].host) * MEMBER + 1;
          const shown = make("g", { class: "box member", "data-member": member, tabindex: 0, role: "button", "aria-label": id(roots[member]) });
          shown.append(make("rect", { x, y, width: wide, height: MEMBER - 5, rx: 4 }));
          shown.append(make("text", { x: x + wide / 2, y: y + 14, "text-anchor": "middle" }, roots[member].name));
          area.shown.append(shown);
        }
      });
      node.append(area.shown);
    }
    node.querySelector("[role]").setAttribute("aria-expanded", String(Boolean(area.shown)));
    node.querySelector(".fold").textContent = area.shown ? "▾" : "▸";
    reflow();
    refresh();
  }

  const expand = (sets, use) => {
    for (const set of sets) {
      for (const [label, first, last] of graph.sets[set]) {
        for (let root = first; root <= last; root++) use(label, root);
      }
    }
  };

  // All that is before, or after, by any way.
  function reach(start, side) {
    const [seen, queue] = [new Set(start), [...start]];
    const done = new Set();
    while (queue.length) {
      const set = roots[queue.pop()][side];
      if (done.has(set)) continue;
      done.add(set);
      expand([set], (label, root) => {
        if (isOrdered(label) && !seen.has(root)) {
          seen.add(root);
          queue.push(root);
        }
      });
    }
    return seen;
  }

  function list(chosen, side, title) {
    const by = new Map();
    expand(new Set(chosen.map((root) => roots[root][side])), (label, root) => {
      const key = `${graph.labels[label]}\n${roots[root].name}`;
      by.set(key, (by.get(key) || new Set()).add(root));
    });
    const heading = document.createElement("h3");
    heading.textContent = by.size ? title : `${title} nothing`;
    const items = document.createElement("ul");
    for (const [key, of] of by) {
      const names = [...of].map((root) => id(roots[root]));
      const some = names.length > 6 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
      const item = document.createElement("li");
      item.textContent = `${some} (${key.split("\n")[0]})`;
      items.append(item);
    }
    aside.append(heading, items);
  }

  let [kept, looked] = [null, null];
  const rootsOf = (node) => node.dataset.member === undefined ? members[node.dataset.box] : [Number(node.dataset.member)];

  function mark(on, joined) {
    svg.classList.add("chosen");
    const shown = new Set([...on].map((root) => roots[root].box));
    boxes.forEach((box, number) => box.classList.toggle("on", shown.has(number)));
    for (const node of all(".member")) node.classList.toggle("on", on.has(Number(node.dataset.member)));
    const lit = new Set();
    for (const edge of edges) {
      const isOn = joined(Number(edge.dataset.from), Number(edge.dataset.to));
      edge.classList.toggle("on", isOn);
      if (isOn) lit.add(edge.dataset.wire);
    }
    for (const label of labels) label.classList.toggle("on", lit.has(label.dataset.wire));
  }

  function refresh() {
    for (const node of all(".kept")) node.classList.remove("kept");
    if (kept) kept.classList.add("kept");
    const node = kept || looked;
    const words = input.value.trim().toLowerCase();
    aside.hidden = !node;
    found.textContent = "";
    if (node) {
      const chosen = rootsOf(node);
      const [before, after] = [reach(chosen, "before"), reach(chosen, "after")];
      const boxesOf = (set) => new Set([...set].map((root) => roots[root].box));
      const [up, down] = [boxesOf(before), boxesOf(after)];
      mark(new Set([...before, ...after]), (from, to) => (up.has(from) && up.has(to)) || (down.has(from) && down.has(to)));
      const heading = document.createElement("h2");
      heading.textContent = node.getAttribute("aria-label");
      aside.replaceChildren(heading);
      list(chosen, "before", "waits for");
      list(chosen, "after", "is waited for by");
    } else if (words) {
      const on = new Set(roots.keys());
      for (const root of roots.keys()) if (!id(roots[root]).toLowerCase().includes(words)) on.delete(root);
      mark(on, () => false);
      found.textContent = `${on.size} of ${roots.length} roots`;
    } else {
      svg.classList.remove("chosen");
    }
  }

  hosts.forEach((node, row) => {
    const count = graph.rows[row].length;
    if (count < 2) return;
    const title = make("g", { role: "button", tabindex: 0, "aria-expanded": "false", "aria-label": `${count} hosts: ${node.querySelector(".host").firstChild.textContent}` });
    title.append(...node.childNodes);
    const text = title.querySelector(".small");
    text.prepend(make("tspan", { class: "fold" }, "▸"), " ");
    node.append(title);
    title.addEventListener("click", () => unfold(row));
  });
  const boxOf = (event) => event.target.closest("[data-box], [data-member]");
  const look = (node) => {
    if (looked === node) return;
    looked = node;
    if (!kept) refresh();
  };
  svg.addEventListener("mouseover", (event) => look(boxOf(event)));
  svg.addEventListener("mouseleave", () => look(null));
  svg.addEventListener("focusin", (event) => look(boxOf(event)));
  svg.addEventListener("focusout", () => look(null));
  svg.addEventListener("click", (event) => {
    const box = boxOf(event);
    if (box) kept = kept === box ? null : box;
    if (box) refresh();
  });
  input.addEventListener("input", () => {
    [kept, looked] = [null, null];
    refresh();
  });
  document.addEventListener("keydown", (event) => {
    const button = event.target.closest && event.target.closest("svg [role=button]");
    if (button && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      button.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    } else if (event.key === "/" && event.target !== input) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape") {
      [kept, looked, input.value] = [null, null, ""];
      refresh();
    }
  });
  header.hidden = false;
})();
