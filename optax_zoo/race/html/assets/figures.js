/* Figures: drawn when they come near, in the colours of the scheme, with a legend that shows and hides optimizers. */
"use strict";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const darkColours = read("scheme");
const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const narrowScreen = matchMedia("(max-width: 640px)");
const PAPER = { whole: { width: 660 }, half: { width: 325, height: 170 } };
const STEP_MILLISECONDS = 50;
const MOST_ENDS = 16;
const OTHERS = darkColours.others;

const replaced = (value, texts) => {
  if (typeof value === "string") return texts[value] || value;
  if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((item) => replaced(item, texts));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, texts)]));
};

const set = (object, path, value) => {
  const keys = path.split(".");
  const last = keys.pop();
  keys.reduce((place, key) => (place[key] = place[key] || {}), object)[last] = value;
};

class Figure {
  constructor(element) {
    this.element = element;
    this.hidden = new Set();
    this.drawn = false;
    this.added = false;
    this.chosen = null;
    element.figure = this;
  }

  get specification() {
    if (!this.read) {
      const own = read(this.element.dataset.figure);
      for (const trace of own.data || []) if (typeof trace.x === "string") trace.x = own.shared[trace.x];
      this.read = own.of ? this.single(own, document.querySelector(`[data-figure="${own.of}"]`).figure.specification) : own;
    }
    return this.read;
  }

  /* One optimizer of another figure in front of all others. */
  single(own, whole) {
    const lines = whole.data.filter((trace) => /lines/.test(trace.mode));
    const others = lines.filter((trace) => trace.meta.optimizer !== own.optimizer);
    const mine = lines.filter((trace) => trace.meta.optimizer === own.optimizer);
    const grey = others.map((trace) => ({ ...trace, meta: { ...trace.meta, behind: true } }));
    const front = mine.map(({ end, ...trace }) => ({ ...trace, ...own.band, meta: { optimizer: own.optimizer } }));
    const layout = { ...whole.layout, ends: false };
    for (const [key, value] of Object.entries(own.layout)) layout[key] = /axis/.test(key) ? { ...layout[key], ...value } : value;
    return { ...own, data: [...grey, ...(own.data || []), ...front], layout };
  }

  /* Whether a trace is one of those that stand out: the best, or what the reader looks for. */
  strong({ meta }) {
    if (!meta || meta.optimizer === undefined) return true;
    if (meta.behind) return false;
    return this.chosen ? this.chosen.has(meta.optimizer) : !meta.others;
  }

  styled(trace, crowded) {
    const { optimizer, added } = trace.meta || {};
    const strong = this.strong(trace);
    const lines = /lines/.test(trace.mode);
    const visible = !this.hidden.has(optimizer) && (strong || lines);
    const shown = { ...trace, visible, weak: !strong, colour: trace.line && trace.line.color };
    if (!strong) {
      Object.assign(shown, { mode: "lines", tint: null, end: null, line: { ...trace.line, color: OTHERS, width: 1, dash: "solid" } });
      if (trace.meta.behind) shown.hoverinfo = "skip";
    } else if (!this.added && added && !(this.chosen && !crowded)) shown.tint = null;
    if (strong && lines && crowded) shown.end = null;
    return shown;
  }

  draw() {
    const { data = [], layout, narrow = {}, pictures = {} } = structuredClone(this.specification);
    if (narrowScreen.matches && !printing.now) {
      for (const [path, value] of Object.entries(narrow)) set(layout, path, value);
    }
    if (printing.now) Object.assign(layout, this.element.closest(".pair") ? PAPER.half : PAPER.whole);
    const crowded = this.chosen && this.chosen.size > MOST_ENDS;
    const order = data.map((trace) => this.styled(trace, crowded)).map((trace, number) => ({ trace, number }));
    if (!this.specification.motion) order.sort((a, b) => b.trace.weak - a.trace.weak || a.number - b.number);
    const dark = darkScheme.matches && !printing.now;
    const texts = dark ? { ...darkColours } : {};
    for (const [name, picture] of Object.entries(pictures)) texts[name] = picture[Number(dark)];
    if (!this.chart) this.chart = new Chart(this.element);
    this.chart.draw(replaced(order.map(({ trace }) => trace), texts), replaced(layout, texts));
    this.drawn = true;
    if (this.motion) this.motion.show();
  }

  show(number, visible) {
    if (visible) this.hidden.delete(number);
    else this.hidden.add(number);
  }

  /* Numbers of optimizers to stand out; null for those that do at first. */
  choose(numbers) {
    this.chosen = numbers;
    if (this.drawn && !this.specification.of) this.draw();
  }
}

const figures = [...document.querySelectorAll("[data-figure]")].map((element) => new Figure(element));
const redraw = () => figures.filter((figure) => figure.drawn).forEach((figure) => figure.draw());

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      if (!target.figure.drawn) target.figure.draw();
    }
  },
  { rootMargin: "400px" },
);
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const { figure } = target;
    if (figure.drawn && !printing.now && target.clientWidth && figure.chart.width !== target.clientWidth) figure.draw();
  }
});
for (const figure of figures) {
  near.observe(figure.element);
  widths.observe(figure.element);
}
for (const media of [darkScheme, narrowScreen]) media.addEventListener("change", redraw);
addEventListener("paper", () => (printing.now ? figures.forEach((figure) => figure.draw()) : redraw()));

for (const legend of document.querySelectorAll(".legend")) {
  const figure = legend.parentNode.querySelector("[data-figure]").figure;
  const entries = [...legend.querySelectorAll("[data-show]")];
  const press = (button, visible) => {
    button.setAttribute("aria-pressed", visible);
    figure.show(Number(button.dataset.show), visible);
  };
  legend.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.bands) {
      figure.added = !figure.added;
      button.setAttribute("aria-pressed", figure.added);
    } else if (button.dataset.all) entries.forEach((each) => press(each, button.dataset.all === "true"));
    else press(button, button.getAttribute("aria-pressed") !== "true");
    figure.draw();
  });
}

class Motion {
  constructor(controls) {
    this.figure = controls.parentNode.querySelector("[data-figure]").figure;
    this.figure.motion = this;
    [this.button, this.slider, this.output] = controls.children;
    this.step = Number(this.slider.max);
    this.playing = false;
    this.button.addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    this.slider.addEventListener("input", () => {
      this.pause();
      this.step = Number(this.slider.value);
      this.show();
    });
    addEventListener("beforeprint", () => this.pause());
  }

  play() {
    if (this.step >= Number(this.slider.max)) this.step = 0;
    this.playing = true;
    this.button.textContent = "Pause";
    const begin = performance.now() - this.step * STEP_MILLISECONDS;
    const advance = (now) => {
      if (!this.playing) return;
      const step = Math.max(0, Math.floor((now - begin) / STEP_MILLISECONDS));
      this.step = Math.min(step, Number(this.slider.max));
      this.show();
      if (this.step >= Number(this.slider.max)) this.pause();
      else requestAnimationFrame(advance);
    };
    requestAnimationFrame(advance);
  }

  pause() {
    this.playing = false;
    this.button.textContent = "Play";
  }

  show() {
    this.slider.value = this.step;
    this.output.textContent = `step ${this.step}`;
    if (!this.figure.drawn) return;
    const { first, points } = this.figure.specification.motion;
    const { chart } = this.figure;
    points.forEach(({ x, y }, path) => {
      const [trail, head] = [first + 2 * path, first + 2 * path + 1];
      Object.assign(chart.data[trail], { x: x.slice(0, this.step + 1), y: y.slice(0, this.step + 1) });
      Object.assign(chart.data[head], { x: [x[this.step]], y: [y[this.step]] });
      chart.paint(trail);
      chart.paint(head);
    });
  }
}
for (const controls of document.querySelectorAll(".controls")) new Motion(controls);
