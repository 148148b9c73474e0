// Draws the clips of a subject when it is opened, plays what is pointed at, filters the dropped list.
// Texts from the dataset are written as text content only.
(() => {
  const PAUSE_S = 0.4; // between two rounds of a preview
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const clips = new Map(); // by number on the page
  let playing = null;

  // A clip's sheet is decoded once, when it is first needed.
  function sheetOf(clip) {
    if (!clip.sheet) return Promise.resolve(null);
    clip.picture ??= new Promise((resolve) => {
      const picture = new Image();
      picture.onload = () => resolve(picture);
      picture.onerror = () => resolve(null);
      picture.src = "data:image/webp;base64," + clip.sheet;
    });
    return clip.picture;
  }

  function put(canvas, picture, clip, at, place) {
    const side = canvas.height;
    const from = picture.naturalHeight;
    canvas.getContext("2d").drawImage(picture, at * from, 0, from, from, place * side, 0, side, side);
  }

  // Frames of a preview: [clip, place in its sheet, time in seconds], and the duration.
  function framesOf(parts) {
    const frames = [];
    let began = 0;
    for (const [clip, start, stop] of parts) {
      clip.frames.forEach((frame, place) => {
        if (frame >= start && frame < stop)
          frames.push([clip, place, began + (frame - start) / clip.fps, frame]);
      });
      began += (stop - start) / clip.fps;
    }
    return [frames, began];
  }

  function play(node, parts, show, rest) {
    if (playing && playing.node === node) return;
    stop();
    const [frames, duration] = framesOf(parts);
    if (!frames.length || !Number.isFinite(duration) || duration <= 0) return;
    const job = { node, rest, timer: 0 };
    playing = job;
    node.dataset.playing = "0";
    Promise.all(parts.map(([clip]) => sheetOf(clip))).then(() => {
      const start = performance.now();
      const step = async (now) => {
        if (playing !== job) return;
        const t = Math.max(0, (now - start) / 1000) % (duration + PAUSE_S);
        const frame = frames.findLast(([, , at]) => at <= t) ?? frames[0];
        const picture = await sheetOf(frame[0]);
        if (playing !== job) return;
        show(picture, frame, Math.min(t, duration));
        node.dataset.playing = String(Number(node.dataset.playing) + 1);
        job.timer = requestAnimationFrame(step);
      };
      job.timer = requestAnimationFrame(step);
    });
  }

  function stop() {
    if (!playing) return;
    cancelAnimationFrame(playing.timer);
    const { node, rest } = playing;
    playing = null;
    delete node.dataset.playing;
    rest();
  }

  // A preview plays on hover and focus, unless less motion is wanted, and on every press.
  function playable(node, start) {
    const gently = () => calm.matches || start();
    node.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && gently());
    node.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && stop());
    node.addEventListener("focus", () => node.matches(":focus-visible") && gently());
    node.addEventListener("blur", stop);
    node.addEventListener("click", start);
  }

  // Places in a clip's sheet of its four pictures: of marked boundaries, the nearest frames.
  function placesOf(clip, marked) {
    if (!marked) return clip.marks;
    const nearest = (frame) => clip.frames.reduce((best, one, at) =>
      (Math.abs(one - frame) < Math.abs(clip.frames[best] - frame) ? at : best), 0);
    return [clip.marks[0], ...marked.map(nearest)];
  }

  function namesOf(clip, marked) {
    const frames = marked ? [clip.frames[clip.marks[0]], ...marked] : clip.marks.map((at) => clip.frames[at]);
    const names = marked ? ["rest", "onset", "apex", "offset"] : clip.names;
    return names.map((name, i) => (name.startsWith("frame") ? name : `${name} ${frames[i]}`));
  }

  function take(clip, curve) {
    const still = clip.sheet ? 96 : 0;
    const button = make("button", { type: "button", className: "strip" });
    button.setAttribute("aria-label", `Play ${clip.key}, ${clip.n} frames`);
    const canvas = make("canvas", { width: 4 * 96, height: still || 1 });
    canvas.setAttribute("aria-hidden", "true");
    let marked = null; // boundaries that a review gives, shown in place of those of the motion
    const strip = async () => {
      curve.classList.remove("on");
      curve.querySelector(".head")?.remove();
      const picture = await sheetOf(clip);
      if (picture && playing?.node !== button)
        placesOf(clip, marked).forEach((at, place) => put(canvas, picture, clip, at, place));
    };
    if (still) button.append(canvas);
    const names = make("span", { className: "names" });
    const show = (times) => {
      marked = times;
      names.replaceChildren(...namesOf(clip, marked).map((textContent) => make("span", { textContent })));
      strip();
    };
    show(null);
    button.append(names);
    playable(button, () => play(button, [[clip, 0, clip.n]], (picture, [, place], t) => {
      curve.classList.add("on");
      curve.parentNode.append(curve);
      if (picture) put(canvas, picture, clip, place, 0);
      head(curve, clip, t);
    }, strip));
    const facts = clip.motion
      ? `${clip.style}, ${clip.amplitude} IOD, snr ${clip.snr}` : "no motion";
    const card = make("article", { className: "take", id: `clip-${clip.id}`, tabIndex: -1 },
      button, make("div", { textContent: `${clip.key}: ${facts}` }));
    if (clip.odd.length)
      card.append(make("div", { className: "odd", textContent: clip.odd.join(", ") }));
    if (clip.labels) card.append(make("div", { className: "labels", textContent: clip.labels }));
    if (clip.changes) card.append(make("div", { className: "changes", textContent: clip.changes }));
    card.append(reviewer(clip, show));
    labelled.watch(clip, card, curve);
    whenSeen(card, strip);
    return card;
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      entry.target.whenSeen();
    }
  }, { rootMargin: "300px" });

  function whenSeen(node, run) {
    node.whenSeen = run;
    seen.observe(node);
  }

  // The drawing of an action: time from the onset to the right, intensity upwards.
  const W = 340, H = 150, LEFT = 34, BOTTOM = 24, TOP = 18;
  const zero = (clip) => (clip.motion ? clip.motion[0] / clip.fps : 0);

  function scales(all) {
    const from = Math.min(...all.map((c) => -zero(c)));
    const to = Math.max(...all.map((c) => (c.n - 1) / c.fps - zero(c)), from + 0.04);
    const top = Math.max(...all.flatMap((c) => c.curve), 10) / 1000;
    return {
      from, to, top,
      x: (t) => LEFT + ((t - from) / (to - from)) * (W - LEFT - 8),
      y: (v) => H - BOTTOM - (Math.max(v, 0) / top) * (H - BOTTOM - TOP),
    };
  }

  function head(curve, clip, t) {
    const { x } = curve.scale;
    const at = x(t - zero(clip)).toFixed(1);
    let line = curve.querySelector(".head");
    if (!line) curve.append((line = draw("path", { class: "head" })));
    line.setAttribute("d", `M${at} ${TOP}V${H - BOTTOM}`);
  }

  function curveOf(clip, scale) {
    const time = (frame) => frame / clip.fps - zero(clip);
    const points = clip.curve.map(
      (v, i) => `${scale.x(time(i * clip.step)).toFixed(1)} ${scale.y(v / 1000).toFixed(1)}`);
    const group = draw("g", {}, draw("path", { d: "M" + points.join("L") }));
    group.scale = scale;
    (clip.motion ?? []).forEach((frame, kind) => {
      const last = Math.min(frame, clip.n - 1);
      const value = clip.curve[Math.min(Math.round(last / clip.step), clip.curve.length - 1)];
      const x = scale.x(time(last)), y = scale.y(value / 1000);
      const shape = [
        `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`,
        `M${x} ${y - 4.5}l4.5 8h-9z`,
        `M${x - 3} ${y - 3}h6v6h-6z`,
      ][kind];
      group.append(draw("path", { d: shape, class: "mark" }));
    });
    return group;
  }

  function action(name, all) {
    const scale = scales(all);
    const text = (x, y, words, anchor = "start") =>
      draw("text", { x, y, "text-anchor": anchor }, words);
    const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" },
      draw("path", { class: "axis", d: `M${LEFT} ${TOP}V${H - BOTTOM}H${W - 8}` }),
      draw("path", { class: "axis", d: `M${scale.x(0)} ${TOP}V${H - BOTTOM}` }),
      text(LEFT - 4, TOP + 8, scale.top.toFixed(2), "end"),
      text(LEFT - 4, H - BOTTOM, "0", "end"),
      text(scale.x(0), H - 8, "0", "middle"),
      text(W - 8, H - 8, `${scale.to.toFixed(1)} s`, "end"),
      text(LEFT, 10, "IOD    ● onset   ▲ apex   ■ offset"));
    svg.setAttribute("aria-label", `Intensity curves of ${all.length} takes of ${name}`);
    const curves = all.map((clip) => curveOf(clip, scale));
    svg.append(draw("g", {}, ...curves));
    return make("section", { className: "action" }, make("h4", { textContent: name }),
      make("div", { className: "overlay" }, svg),
      make("div", { className: "strips" }, ...all.map((clip, i) => take(clip, curves[i]))));
  }

  function cell(button, parts) {
    const canvas = button.querySelector("canvas");
    const known = parts.map(([clip, ...run]) => [clips.get(clip), ...run]);
    const [frames] = framesOf(known);
    if (!canvas || !frames.length || !frames[0][0].sheet) {
      // No copy of which both takes are on the page, or a page without pictures.
      canvas?.remove();
      button.setAttribute("aria-disabled", "true");
      return;
    }
    const rest = async () => {
      const [clip, place] = frames[0];
      const picture = await sheetOf(clip);
      if (picture && playing?.node !== button) put(canvas, picture, clip, place, 0);
    };
    playable(button, () => play(button, known, (picture, [clip, place]) => {
      if (picture) put(canvas, picture, clip, place, 0);
    }, rest));
    whenSeen(button, rest);
  }

  function open(details) {
    const data = details.querySelector(".data");
    if (!data || details.dataset.drawn) return;
    details.dataset.drawn = "yes";
    const subject = JSON.parse(data.textContent);
    data.remove();
    for (const one of subject.actions) for (const clip of one.clips) clips.set(clip.id, clip);
    details.querySelector(".takes").append(
      ...subject.actions.map((one) => action(one.name, one.clips)));
    for (const one of subject.cells) {
      const button = document.getElementById(`cell-${one.id}`);
      if (button) cell(button, one.parts);
    }
  }

  // A link to a clip or a cell opens its subject first.
  function follow() {
    const [, kind, digits] = /^#(clip|cell|dropped)-([0-9]+)$/.exec(location.hash) ?? [];
    if (!kind) return;
    const number = Number(digits);
    for (const details of document.querySelectorAll("details.subject")) {
      const { first, after } = details.dataset;
      const holds = kind === "clip" ? Number(first) <= number && number < Number(after)
        : details.querySelector(location.hash) !== null;
      if (!holds) continue;
      details.open = true;
      open(details);
      if (document.getElementById(location.hash.slice(1))?.closest(".unlabelled")) labelled.clear();
    }
    if (kind === "dropped") clear();
    document.querySelectorAll(".found").forEach((node) => node.classList.remove("found"));
    const node = document.getElementById(location.hash.slice(1));
    node?.classList.add("found");
    node?.scrollIntoView({ block: "center" });
    node?.focus({ preventScroll: true });
  }

  const search = document.getElementById("filter");
  const reason = document.getElementById("reason");
  const rows = [...document.querySelectorAll(".list tbody tr")];

  function filter() {
    const words = search.value.toLowerCase();
    let n = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const kind = row.querySelector("strong").textContent;
      row.hidden = !text.includes(words) || (reason.value !== "" && kind !== reason.value);
      n += row.hidden ? 0 : 1;
    }
    document.getElementById("found").textContent = `${n} shown`;
  }

  function clear() {
    if (!search) return;
    search.value = reason.value = "";
    filter();
  }

  function sort(button) {
    const head = button.closest("th");
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const place = head.cellIndex;
    const text = (row) => row.cells[place].textContent;
    rows.sort((a, b) => (up ? 1 : -1) * text(a).localeCompare(text(b), undefined, { numeric: true }));
    rows[0]?.parentNode.append(...rows);
  }

  search?.addEventListener("input", filter);
  reason?.addEventListener("change", filter);
  for (const button of document.querySelectorAll(".sort"))
    button.addEventListener("click", () => sort(button));
  for (const details of document.querySelectorAll("details.subject")) {
    details.addEventListener("toggle", () => details.open && open(details));
    if (details.open) requestAnimationFrame(() => open(details));
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && stop());
  addEventListener("hashchange", follow);
  // The same link again: the hash does not change, but the reader wants to go there.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a");
    if (link && link.getAttribute("href") === location.hash) follow();
  });
  follow();
})();
