/* Charts in SVG: lines with bands, dots with intervals, in one panel or two; tooltips, zoom, and names at the ends of lines. */
"use strict";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const DASHES = { dash: "7 3", dot: "2 2.5", dashdot: "8 3 2 3" };
const SMALL = 12;
const LINE = 14;
const NEAR = 14;
const SYMBOLS = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  square: (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  "triangle-up": (r) => `M0 ${-1.2 * r}L${1.1 * r} ${0.8 * r}H${-1.1 * r}z`,
  diamond: (r) => `M0 ${-1.25 * r}L${1.25 * r} 0L0 ${1.25 * r}L${-1.25 * r} 0z`,
  "x-thin": (r) => `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`,
  star: (r) =>
    `M${[...Array(10)].map((_, n) => {
      const [reach, angle] = [n % 2 ? 0.4 * r : r, (n * Math.PI) / 5];
      return `${(reach * Math.sin(angle)).toFixed(2)} ${(-reach * Math.cos(angle)).toFixed(2)}`;
    }).join("L")}z`,
};

const pen = document.createElement("canvas").getContext("2d");
const textWidth = (text, size) => {
  pen.font = `${size}px ${FONT}`;
  return pen.measureText(text).width;
};
const shortened = (text, size, most) => {
  if (textWidth(text, size) <= most) return text;
  let kept = text;
  while (kept.length > 1 && textWidth(`${kept}…`, size) > most) kept = kept.slice(0, -1);
  return `${kept}…`;
};
const node = (parent, name, attributes = {}, text = null) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) if (value != null && value !== "") made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
};
const figures4 = (value) => String(Number(value.toPrecision(4))).replace("-", "\u2212");

/* Marks of an axis, as pairs of a place and what is written there. */
const even = (low, high, count) => {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= 0.999 * rough);
  const places = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const marks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n += 1) {
    const text = Math.abs(n * step) >= 1e6 ? figures4(n * step) : (n * step).toFixed(places).replace("-", "\u2212");
    marks.push([n * step, n ? text : "0"]);
  }
  return marks;
};
const logarithmic = (low, high) => {
  if (high - low < 0.7) return even(10 ** low, 10 ** high, 6).map(([value, text]) => [Math.log10(value), text]);
  const factors = high - low < 2 ? [1, 2, 5] : [1];
  const marks = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (const factor of factors) {
      const place = power + Math.log10(factor);
      const text = Math.abs(power) > 4 ? `${factor}e${power}` : String(Number((factor * 10 ** power).toPrecision(3)));
      if (place >= low - 1e-9 && place <= high + 1e-9) marks.push([place, text.replace("-", "\u2212")]);
    }
  }
  const every = Math.ceil(marks.length / 9);
  return marks.filter((_, n) => n % every === 0);
};

class Axis {
  constructor(name, given, zoom) {
    Object.assign(this, { name, given, vertical: name[0] === "y", log: given.type === "log" });
    this.range = zoom || given.range || null;
  }

  /* Its own scale: a logarithmic axis counts powers of ten. */
  at(value) {
    return this.log ? (value > 0 ? Math.log10(value) : NaN) : value;
  }

  settle(values) {
    if (this.range) return;
    const known = values.map((value) => this.at(value)).filter(Number.isFinite);
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const margin = 0.05 * (high - low) || 0.5;
    this.range = [low - margin, high + margin];
  }

  get marks() {
    const { tickvals, ticktext, nticks } = this.given;
    if (tickvals) return tickvals.map((value, n) => [value, ticktext[n]]);
    const [low, high] = [...this.range].sort((a, b) => a - b);
    return this.log ? logarithmic(low, high) : even(low, high, nticks || 6);
  }

  place(from, to) {
    Object.assign(this, { from, to });
  }

  pixel(value) {
    return this.from + ((this.at(value) - this.range[0]) / (this.range[1] - this.range[0])) * (this.to - this.from);
  }

  /* The inverse, on the axis's own scale. */
  value(pixel) {
    return this.range[0] + ((pixel - this.from) / (this.to - this.from)) * (this.range[1] - this.range[0]);
  }
}

class Chart {
  constructor(element) {
    this.element = element;
    this.zoom = {};
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
  }

  draw(data, layout) {
    Object.assign(this, { data, layout });
    this.width = layout.width || this.element.clientWidth;
    this.height = layout.height;
    this.ends = layout.ends ? data.filter((trace) => trace.visible && trace.end) : [];
    this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const size = { width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}` };
    for (const [key, value] of Object.entries({ ...size, class: "chart", "font-family": FONT })) this.svg.setAttribute(key, value);
    this.element.replaceChildren(this.svg, this.tip);
    this.arrange();
    this.frame();
    this.groups = data.map((trace) => {
      const clip = `url(#${this.panelOf(trace).id})`;
      return node(this.body, "g", { class: "trace", "clip-path": trace.mode === "markers" && trace.error_x ? null : clip });
    });
    data.forEach((_, number) => this.paint(number));
    this.notes();
    this.nameEnds();
    this.over = node(this.svg, "g", { "pointer-events": "none" });
    this.listen();
  }

  /* Where the axes are. */
  arrange() {
    const { layout, data } = this;
    const names = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
    this.axes = Object.fromEntries(names.map((name) => [name, new Axis(name, layout[name], this.zoom[name])]));
    for (const axis of Object.values(this.axes)) {
      const key = axis.name.replace("axis", "");
      const letter = axis.name[0];
      axis.settle(data.filter((t) => t.visible && (t[`${letter}axis`] || letter) === key).flatMap((t) => [...t[letter], ...((letter === "y" && t.low) || []), ...((letter === "y" && t.high) || [])]).filter((v) => v !== null));
    }
    const margin = { l: 0, r: 12, t: 12, b: 46, ...layout.margin };
    const wide = (axis) => (axis.given.showticklabels === false || axis.given.visible === false ? 0 : Math.max(0, ...axis.marks.map(([, text]) => textWidth(text, SMALL))));
    const upright = Object.values(this.axes).filter((axis) => axis.vertical && !((axis.given.anchor || "x") !== "x" && this.beside(axis)));
    const titled = upright.some((axis) => axis.given.title && axis.given.title.text);
    const labels = Math.min(Math.max(0, ...upright.map(wide)), 0.4 * this.width);
    const left = Math.max(margin.l, labels + (titled ? 24 : 0) + 10);
    this.labelWidth = labels;
    const longest = Math.max(0, ...this.ends.map((trace) => textWidth(trace.end, SMALL)));
    this.endWidth = this.ends.length ? Math.min(longest, 0.3 * this.width) : 0;
    const right = this.ends.length ? this.endWidth + 36 : margin.r;
    const [across, up] = [this.width - left - right, this.height - margin.t - margin.b];
    this.right = left + across;
    for (const axis of Object.values(this.axes)) {
      const [low, high] = axis.given.domain || [0, 1];
      if (axis.vertical) axis.place(margin.t + up * (1 - low), margin.t + up * (1 - high));
      else axis.place(left + across * low, left + across * high);
    }
  }

  /* Whether a vertical axis belongs to a panel that has another on its left. */
  beside(axis) {
    const mine = this.axes[`xaxis${axis.given.anchor.slice(1)}`];
    return mine !== undefined && (mine.given.domain || [0])[0] > 0;
  }

  panelOf(trace) {
    const [x, y] = ["x", "y"].map((letter) => this.axes[`${letter}axis${(trace[`${letter}axis`] || letter).slice(1)}`]);
    return { x, y, id: `${this.element.dataset.figure}-${x.name}-${y.name}` };
  }

  /* Ground, grid, marks and titles. */
  frame() {
    const { layout, svg } = this;
    const ink = layout.font.color;
    const definitions = node(svg, "defs");
    const back = node(svg, "g");
    this.images = node(svg, "g", { class: "images" });
    this.body = node(svg, "g");
    for (const x of Object.values(this.axes).filter((axis) => !axis.vertical)) {
      for (const y of Object.values(this.axes).filter((axis) => axis.vertical)) {
        const box = { x: x.from, y: y.to, width: Math.max(0, x.to - x.from), height: Math.max(0, y.from - y.to) };
        node(node(definitions, "clipPath", { id: `${this.element.dataset.figure}-${x.name}-${y.name}` }), "rect", box);
      }
      const anchor = this.axes[`yaxis${(x.given.anchor || "y").slice(1)}`];
      const bottom = anchor.from;
      const top = Math.min(anchor.to, x.name === "xaxis" ? this.axes.yaxis.to : anchor.to);
      const room = Math.floor((x.to - x.from) / 44);
      const marks = x.marks.filter(([value]) => value >= Math.min(...x.range) - 1e-9 && value <= Math.max(...x.range) + 1e-9);
      const every = Math.max(1, Math.ceil(marks.length / Math.max(2, room)));
      for (const [value, text] of marks.filter((_, n) => n % every === 0)) {
        const at = x.from + ((value - x.range[0]) / (x.range[1] - x.range[0])) * (x.to - x.from);
        if (x.given.showgrid !== false) node(back, "line", { x1: at, x2: at, y1: top, y2: bottom, stroke: x.given.gridcolor });
        node(back, "text", { x: at, y: bottom + 17, "text-anchor": "middle", "font-size": SMALL, fill: ink, class: "mark" }, text);
      }
      const title = x.given.title && x.given.title.text;
      if (title) node(back, "text", { x: (x.from + x.to) / 2, y: bottom + 37, "text-anchor": "middle", "font-size": 13, fill: x.given.title.font.color }, title);
    }
    for (const y of Object.values(this.axes).filter((axis) => axis.vertical && axis.given.visible !== false)) {
      const x = this.axes[`xaxis${(y.given.anchor || "x").slice(1)}`] || this.axes.xaxis;
      for (const [value, text] of y.marks) {
        const at = y.from + ((value - y.range[0]) / (y.range[1] - y.range[0])) * (y.to - y.from);
        if (at > y.from + 0.5 || at < y.to - 0.5) continue;
        if (y.given.showgrid !== false) node(back, "line", { x1: x.from, x2: x.to, y1: at, y2: at, stroke: y.given.gridcolor });
        if (y.given.showticklabels === false) continue;
        const shown = shortened(text, SMALL, Math.max(this.labelWidth, 30) + 1);
        node(back, "text", { x: x.from - 7, y: at + 4, "text-anchor": "end", "font-size": SMALL, fill: ink, class: "mark" }, shown);
      }
      const title = y.given.title && y.given.title.text;
      if (title) {
        const middle = (y.from + y.to) / 2;
        node(back, "text", { transform: `translate(13 ${middle}) rotate(-90)`, "text-anchor": "middle", "font-size": 13, fill: y.given.title.font.color }, title);
      }
    }
    for (const { source, xref, yref } of layout.images || []) {
      const [x, y] = [this.axes[`xaxis${xref.slice(1).split(" ")[0]}`], this.axes[`yaxis${yref.slice(1).split(" ")[0]}`]];
      node(this.images, "image", { href: source, x: x.from, y: y.to, width: x.to - x.from, height: y.from - y.to, preserveAspectRatio: "none" });
    }
    for (const shape of layout.shapes || []) {
      const at = (letter, end) => {
        const axis = this.axes[`${letter}axis`];
        const reference = shape[`${letter}ref`] || letter;
        const value = shape[letter + end];
        return reference === letter ? axis.pixel(value) : axis.from + value * (axis.to - axis.from);
      };
      const ends = { x1: at("x", 0), x2: at("x", 1), y1: at("y", 0), y2: at("y", 1) };
      const { color, width, dash } = shape.line;
      node(back, "line", { ...ends, stroke: color, "stroke-width": width, "stroke-dasharray": DASHES[dash], "clip-path": `url(#${this.element.dataset.figure}-xaxis-yaxis)` });
    }
  }

  points(trace) {
    const { x, y } = this.panelOf(trace);
    return trace.x.map((value, n) => (value === null || trace.y[n] === null ? null : [x.pixel(value), y.pixel(trace.y[n])]));
  }

  pathOf(points, steps) {
    let path = "";
    let before = null;
    for (const point of points) {
      if (point && point.every(Number.isFinite)) {
        const [x, y] = point.map((pixel) => Math.max(-9999, Math.min(9999, pixel)).toFixed(1));
        path += !before ? `M${x} ${y}` : steps ? `H${x}V${y}` : `L${x} ${y}`;
        before = point;
      } else before = null;
    }
    return path;
  }

  /* Draws a trace, anew if it is there already. */
  paint(number) {
    const trace = this.data[number];
    const group = this.groups[number];
    group.replaceChildren();
    if (!trace.visible) return;
    const { x, y } = this.panelOf(trace);
    if (trace.low && trace.tint) {
      const there = trace.x.map((_, n) => n).filter((n) => trace.low[n] !== null && trace.high[n] !== null);
      const up = there.map((n) => [x.pixel(trace.x[n]), y.pixel(trace.high[n])]);
      const down = there.map((n) => [x.pixel(trace.x[n]), y.pixel(trace.low[n])]).reverse();
      if (up.length) node(group, "path", { d: `${this.pathOf([...up, ...down], false)}z`, fill: trace.tint, class: "band" });
    }
    const points = this.points(trace);
    if (/lines/.test(trace.mode)) {
      const { color, width, dash, shape } = trace.line;
      node(group, "path", { d: this.pathOf(points, shape === "hv"), fill: "none", stroke: color, "stroke-width": width, "stroke-dasharray": DASHES[dash], "stroke-linejoin": "round", opacity: trace.opacity });
    }
    if (/markers/.test(trace.mode)) points.forEach((point, n) => point && this.mark(group, trace, point, n));
  }

  mark(group, trace, [across, up], n) {
    const { color, symbol, size, line = {} } = trace.marker;
    const error = trace.error_x;
    if (error) {
      const { x } = this.panelOf(trace);
      const low = x.pixel(trace.x[n] - (error.arrayminus || error.array)[n]);
      const high = x.pixel(trace.x[n] + error.array[n]);
      const caps = [low, high].map((end) => `M${end} ${up - 4}v8`).join("");
      node(group, "path", { d: `M${low} ${up}H${high}${caps}`, stroke: color, "stroke-width": error.thickness, fill: "none" });
    }
    const open = symbol.endsWith("-open");
    const shape = open ? symbol.slice(0, -5) : symbol;
    const path = { d: SYMBOLS[shape](size / 2), transform: `translate(${across.toFixed(1)} ${up.toFixed(1)})` };
    const bare = open || shape === "x-thin";
    node(group, "path", { ...path, fill: bare ? "none" : color, stroke: bare ? line.color || color : line.color, "stroke-width": line.width || (bare ? 2 : 0) });
  }

  /* Text that belongs to places of the figure. */
  notes() {
    for (const note of this.layout.annotations || []) {
      const at = (letter) => {
        const [reference, domain] = (note[`${letter}ref`] || letter).split(" ");
        const axis = this.axes[`${letter}axis${reference.slice(1)}`];
        if (!domain) return axis.pixel(note[letter]);
        return axis.from + note[letter] * (axis.to - axis.from);
      };
      const size = (note.font && note.font.size) || 13;
      const lines = note.text.split("\n");
      const [x, middle] = [at("x"), at("y") - (note.yshift || 0)];
      const top = note.yanchor === "bottom" ? middle - 4 - (lines.length - 1) * LINE : middle + 0.35 * size;
      const group = node(this.svg, "g", { class: "annotation" });
      if (note.bgcolor) {
        const width = Math.max(...lines.map((line) => textWidth(line, size))) + 4;
        node(group, "rect", { x: x - 2, y: top - size, width, height: lines.length * LINE + 2, fill: note.bgcolor, class: "ground" });
      }
      const shown = { x, "font-size": size, "font-weight": note.bold ? 600 : null, fill: (note.font && note.font.color) || this.layout.font.color };
      lines.forEach((line, n) => node(group, "text", { ...shown, y: top + n * LINE }, line));
    }
  }

  /* Names where lines end, one below the other. */
  nameEnds() {
    const ends = [];
    for (const trace of this.ends) {
      const { y } = this.panelOf(trace);
      const last = this.points(trace).filter((point) => point && point.every(Number.isFinite)).at(-1);
      if (last && last[1] >= y.to - 1 && last[1] <= y.from + 1) ends.push({ trace, from: last, at: last[1] });
    }
    ends.sort((a, b) => a.at - b.at);
    const { to, from } = this.axes.yaxis;
    const spread = (list, next) => list.reduce((before, end) => ((end.at = next(before, end.at)), end.at), null);
    spread(ends, (before, at) => (before === null ? Math.max(at, to + 5) : Math.max(at, before + LINE)));
    spread([...ends].reverse(), (before, at) => (before === null ? Math.min(at, from) : Math.min(at, before - LINE)));
    const group = node(this.svg, "g", { class: "ends" });
    for (const { trace, from: point, at } of ends) {
      const { color, dash } = trace.line;
      const lead = `M${point[0]} ${point[1]}L${this.right + 6} ${at}`;
      node(group, "path", { d: lead, fill: "none", stroke: this.axes.yaxis.given.title.font.color, "stroke-width": 0.75, opacity: 0.5 });
      const d = `M${this.right + 6} ${at}h20`;
      node(group, "path", { d, stroke: color, "stroke-width": 2.5, "stroke-dasharray": DASHES[dash] });
      const text = shortened(trace.end, SMALL, this.endWidth + 4);
      node(group, "text", { x: this.right + 30, y: at + 4, "font-size": SMALL, fill: this.layout.font.color }, text);
    }
  }

  /* The trace, and which of its points, that is nearest to a place. */
  nearest(across, up) {
    let best = null;
    this.data.forEach((trace, number) => {
      if (!trace.visible || trace.hoverinfo === "skip" || (trace.opacity === 0)) return;
      const { x, y } = this.panelOf(trace);
      if (across < x.from - NEAR || across > x.to + NEAR || up < y.to - NEAR || up > y.from + NEAR) return;
      const points = this.points(trace);
      const lines = /lines/.test(trace.mode);
      points.forEach((point, n) => {
        if (!point) return;
        let distance = Math.hypot(point[0] - across, point[1] - up);
        const next = lines && points[n + 1];
        if (next) {
          const [dx, dy] = [next[0] - point[0], next[1] - point[1]];
          const share = Math.max(0, Math.min(1, ((across - point[0]) * dx + (up - point[1]) * dy) / (dx * dx + dy * dy || 1)));
          distance = Math.min(distance, Math.hypot(point[0] + share * dx - across, point[1] + share * dy - up));
          if (share > 0.5) n += 1;
        }
        distance -= trace.weak ? 0 : 3;
        if (distance < NEAR && (!best || distance < best.distance)) best = { distance, number, n, point: points[n] };
      });
    });
    return best;
  }

  said(trace, n) {
    if (trace.text) return Array.isArray(trace.text) ? trace.text[n] : trace.text;
    const ends = trace.low && trace.low[n] !== null ? ` [${figures4(trace.low[n])}, ${figures4(trace.high[n])}]` : "";
    return `${trace.name}\n${this.layout.across || "x"} ${figures4(trace.x[n])}: ${figures4(trace.y[n])}${ends}`;
  }

  hover(event) {
    const box = this.svg.getBoundingClientRect();
    const [across, up] = [event.clientX - box.left, event.clientY - box.top];
    const found = this.dragged ? null : this.nearest(across, up);
    this.over.replaceChildren();
    this.tip.hidden = !found;
    if (!found) return;
    const trace = this.data[found.number];
    if (/lines/.test(trace.mode)) {
      const { shape, dash } = trace.line;
      const clip = `url(#${this.panelOf(trace).id})`;
      node(this.over, "path", { d: this.pathOf(this.points(trace), shape === "hv"), fill: "none", stroke: trace.colour || trace.line.color, "stroke-width": 3, "stroke-dasharray": DASHES[dash], "clip-path": clip });
    }
    if (found.point) node(this.over, "circle", { cx: found.point[0], cy: found.point[1], r: 5, fill: "none", stroke: this.layout.font.color, "stroke-width": 1.5 });
    this.tip.textContent = this.said(trace, found.n);
    const right = across > this.width / 2;
    this.tip.style.left = right ? "" : `${across + 14}px`;
    this.tip.style.right = right ? `${this.element.clientWidth - across + 14}px` : "";
    this.tip.style.top = `${Math.max(0, Math.min(up - 10, this.height - this.tip.offsetHeight - 4))}px`;
  }

  /* A part of the figure that is drawn over becomes the whole; a double click goes back. */
  listen() {
    this.svg.addEventListener("pointermove", (event) => (this.dragged ? this.drag(event) : this.hover(event)));
    this.svg.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
      this.over.replaceChildren();
    });
    if (this.layout.dragmode === false) return;
    this.svg.classList.add("zoomable");
    this.svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "mouse" || event.button) return;
      event.preventDefault();
      const box = this.svg.getBoundingClientRect();
      this.dragged = { box, start: [event.clientX - box.left, event.clientY - box.top], now: null };
      this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener("pointerup", () => this.drop());
    this.svg.addEventListener("dblclick", () => {
      this.zoom = {};
      this.draw(this.data, this.layout);
    });
  }

  drag(event) {
    const { box, start } = this.dragged;
    this.dragged.now = [event.clientX - box.left, event.clientY - box.top];
    const [[x0, y0], [x1, y1]] = [start, this.dragged.now];
    const frame = { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0) };
    this.over.replaceChildren();
    node(this.over, "rect", { ...frame, fill: this.layout.font.color, "fill-opacity": 0.08, stroke: this.layout.font.color });
  }

  drop() {
    const { start, now } = this.dragged || {};
    this.dragged = null;
    if (!now) return;
    this.over.replaceChildren();
    const spans = [0, 1].map((n) => [start[n], now[n]].sort((a, b) => a - b));
    const large = spans.map(([low, high]) => high - low > 8);
    if (!large[0] && !large[1]) return;
    const { xaxis, yaxis } = this.axes;
    if (large[0]) this.zoom.xaxis = spans[0].map((pixel) => xaxis.value(Math.max(xaxis.from, Math.min(xaxis.to, pixel))));
    if (large[1]) this.zoom.yaxis = [...spans[1]].reverse().map((pixel) => yaxis.value(Math.max(yaxis.to, Math.min(yaxis.from, pixel))));
    this.draw(this.data, this.layout);
  }
}
