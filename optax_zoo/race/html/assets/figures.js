/* Figures: drawn when they come near, in the colours of the scheme, with a legend that shows and hides optimizers. */
"use strict";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const darkColours = read("scheme");
const darkScheme = matchMedia("(prefers-color-scheme: dark)");
const narrowScreen = matchMedia("(max-width: 640px)");
const coarsePointer = matchMedia("(pointer: coarse)");
const PAPER = { whole: { width: 660 }, half: { width: 325, height: 170 } };
const STEP_MILLISECONDS = 50;

const replaced = (value, texts) => {
  if (typeof value === "string") return texts[value] || value;
  if (Array.isArray(value)) return value.map((item) => replaced(item, texts));
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
    element.figure = this;
  }

  get specification() {
    if (!this.read) this.read = read(this.element.dataset.figure);
    return this.read;
  }

  draw() {
    const { data, layout, narrow, pictures } = structuredClone(this.specification);
    if (narrowScreen.matches && !printing.now) {
      for (const [path, value] of Object.entries(narrow)) set(layout, path, value);
    }
    if (printing.now) Object.assign(layout, this.element.closest(".pair") ? PAPER.half : PAPER.whole);
    for (const trace of data) {
      const { optimizer, added } = trace.meta || {};
      trace.visible = !this.hidden.has(optimizer) && (this.added || !added);
    }
    if (coarsePointer.matches) {
      for (const [key, axis] of Object.entries(layout)) if (/^[xy]axis/.test(key)) axis.fixedrange = true;
    }
    const options = { displayModeBar: false, responsive: true, doubleClick: "reset" };
    const dark = darkScheme.matches && !printing.now;
    const texts = dark ? { ...darkColours } : {};
    for (const [name, picture] of Object.entries(pictures)) texts[name] = picture[Number(dark)];
    Plotly.react(this.element, replaced(data, texts), replaced(layout, texts), options);
    this.drawn = true;
    if (this.motion) this.motion.show();
  }

  show(number, visible) {
    if (visible) this.hidden.delete(number);
    else this.hidden.add(number);
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
figures.forEach((figure) => near.observe(figure.element));
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
    const advance = async (now) => {
      if (!this.playing) return;
      const step = Math.max(0, Math.floor((now - begin) / STEP_MILLISECONDS));
      this.step = Math.min(step, Number(this.slider.max));
      await this.show();
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
    if (!this.figure.drawn) return null;
    const { first, points } = this.figure.specification.motion;
    const data = points.flatMap(({ x, y }) => [
      { x: x.slice(0, this.step + 1), y: y.slice(0, this.step + 1) },
      { x: [x[this.step]], y: [y[this.step]] },
    ]);
    const traces = data.map((_, place) => first + place);
    const frame = { duration: 0, redraw: false };
    const options = { mode: "immediate", frame, transition: { duration: 0 } };
    return Plotly.animate(this.figure.element, { data, traces }, options).catch(() => {}); // interrupted by the next
  }
}
for (const controls of document.querySelectorAll(".controls")) new Motion(controls);
