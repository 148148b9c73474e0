"use strict";
// Marks of a review: kept in the browser, changed at each take, saved and loaded as a table.
// Texts from the dataset and from a table are written as text content only.

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function draw(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The table of marks: a row for each clip, by the key of its recording.
const review = (() => {
  const given = JSON.parse(document.getElementById("marks").textContent);
  const place = `fmdata-review-${given.digest}`;
  const inDataset = new Map(given.rows.map((row) => [row.key, row]));
  const changed = new Map(); // a row, or null for one that is taken back
  const watching = new Map(); // by key: number of the clip, and what to call when its row changes
  let isKept = true;

  const whole = (row) => Object.fromEntries(given.columns.map((name) => [name, String(row[name] ?? "")]));

  // A page of the file system may be refused any storage, by an exception.
  function read() {
    try {
      for (const [key, row] of JSON.parse(localStorage.getItem(place) ?? "[]"))
        changed.set(key, row && whole(row));
    } catch {
      isKept = false;
    }
  }

  function keep() {
    try {
      if (changed.size) localStorage.setItem(place, JSON.stringify([...changed]));
      else localStorage.removeItem(place);
      isKept = true;
    } catch {
      isKept = false;
    }
  }

  const of = (key) => (changed.has(key) ? changed.get(key) : inDataset.get(key) ?? null);
  const same = (a, b) => given.columns.every((name) => (a?.[name] ?? "") === (b?.[name] ?? ""));

  function rows() {
    return [...new Set([...inDataset.keys(), ...changed.keys()])]
      .map(of).filter((row) => row).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  function put(key, row, said) {
    if (same(row, inDataset.get(key)) && Boolean(row) === inDataset.has(key)) changed.delete(key);
    else changed.set(key, row);
    keep();
    list(said);
  }

  function quoted(cell) {
    return /[",;\t\r\n|]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  }

  function table() {
    const cells = [given.columns, ...rows().map((row) => given.columns.map((n) => row[n] ?? ""))];
    return cells.map((line) => line.map(quoted).join(",") + "\n").join("");
  }

  function save() {
    const address = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    make("a", { href: address, download: "overrides.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    list("saved as overrides.csv");
  }

  // Lines of cells of a CSV text; quoted cells may hold anything.
  function parsed(text, separator) {
    const lines = [[]];
    const cell = new RegExp(
      `("(?:[^"]|"")*"|[^"${separator}\\r\\n][^${separator}\\r\\n]*|)(${separator}|\\r?\\n|$)`, "y");
    while (cell.lastIndex < text.length) {
      const [, value, end] = cell.exec(text) ?? [];
      if (value === undefined) throw new Error("a quote that is not closed");
      const bare = value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value;
      lines.at(-1).push(bare.trim());
      if (end.endsWith("\n")) lines.push([]);
    }
    return lines.filter((line) => line.some((one) => one));
  }

  function load(text) {
    const plain = text.replace(/^\ufeff/, "").replace(/^sep=.\r?\n/, "");
    const first = plain.split("\n", 1)[0];
    const separator = [",", ";", "\\t"].find((one) => new RegExp(one).test(first)) ?? ",";
    const [header = [], ...lines] = parsed(plain, separator);
    const names = header.map((name) => name.toLowerCase());
    if (!names.includes("key")) throw new Error("no column key");
    const found = new Map();
    for (const line of lines) {
      const row = whole(Object.fromEntries(names.map((name, i) => [name, line[i]])));
      if (found.has(row.key)) throw new Error(`two rows for ${row.key}`);
      found.set(row.key, row);
    }
    const keys = new Set([...inDataset.keys(), ...changed.keys(), ...found.keys()]);
    changed.clear();
    for (const key of keys) put(key, found.get(key) ?? null);
    for (const update of watching.values()) update.fill();
    list(`${found.size} marks loaded`);
  }

  const isYes = (row) => ["yes", "y", "true", "1", "x"].includes((row?.reject ?? "").toLowerCase());

  function words(row) {
    const parts = [];
    if (isYes(row)) parts.push("reject");
    if (row.onset !== "") parts.push(`boundaries ${row.onset}, ${row.apex}, ${row.offset}`);
    if (row.action) parts.push(`action ${row.action}`);
    return parts.join("; ") + (row.note ? ` (${row.note})` : "");
  }

  function takeBack(key) {
    put(key, null, `the mark of ${key} is taken back`);
    watching.get(key)?.fill();
    document.getElementById("review-title").focus();
  }

  function list(said) {
    const all = rows();
    document.getElementById("marked").replaceChildren(...all.map((row) => {
      const button = make("button", { type: "button", textContent: "Take back" });
      button.setAttribute("aria-label", `Take back the mark of ${row.key}`);
      button.addEventListener("click", () => takeBack(row.key));
      const isNew = changed.has(row.key) ? "" : ", in this dataset";
      const clip = watching.get(row.key);
      const name = clip ? make("a", { href: `#clip-${clip.id}`, textContent: row.key }) : row.key;
      return make("li", {}, make("span", {}, name, `: ${words(row)}${isNew}`), button);
    }));
    const lost = changed.size && !isKept
      ? "; this browser does not keep marks, so save them before you close the page" : "";
    const marks = all.length === 1 ? "1 mark" : `${all.length} marks`;
    const count = changed.size ? `${marks}, ${changed.size} changed since the build` : marks;
    document.getElementById("review-state").textContent = [said, count].filter(Boolean).join("; ") + lost;
  }

  function start() {
    read();
    list();
    document.getElementById("save").addEventListener("click", save);
    const input = document.getElementById("load");
    input.addEventListener("change", async () => {
      try {
        load(await input.files[0].text());
      } catch (error) {
        list(`not loaded: ${error.message}`);
      }
      input.value = "";
    });
  }

  return { of, put, isYes, start, table, watch: (clip, fill) => watching.set(clip.of, { id: clip.id, fill }) };
})();

// The part of a take in which it is marked. `show` is called with the boundaries that are marked.
const reviewer = (() => {
  const W = 340, H = 110, LEFT = 6, RIGHT = 6, TOP = 14, BOTTOM = 18;
  const NAMES = ["onset", "apex", "offset"];
  const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

  // Boundaries with onset < apex < offset <= n: those beside a moved one make room for it.
  function ordered([onset, apex, offset], n, moved) {
    if (moved === 0) apex = Math.max(apex, onset + 1);
    if (moved === 2) apex = Math.min(apex, offset - 1);
    apex = Math.min(Math.max(apex, 1), n - 1);
    return [Math.max(0, Math.min(onset, apex - 1)), apex, Math.min(n, Math.max(offset, apex + 1))];
  }

  function timesOf(clip, row) {
    if (row && row.onset !== "") {
      const [onset, apex, offset] = NAMES.map((name) => Math.round(Number(row[name])));
      const found = [onset, row.apex === "" ? onset + 1 : apex, offset];
      if (found.every(Number.isFinite)) return ordered(found, clip.n, 1);
    }
    const quarter = Math.floor(clip.n / 4);
    const found = clip.given ?? clip.spotted ?? clip.motion;
    return ordered(found ?? [quarter, 2 * quarter, 3 * quarter], clip.n, 1);
  }

  function editor(clip, times, changed) {
    const x = (frame) => LEFT + (frame / clip.n) * (W - LEFT - RIGHT);
    const top = Math.max(...clip.curve, 10);
    const y = (value) => H - BOTTOM - (Math.max(value, 0) / top) * (H - BOTTOM - TOP);
    const points = clip.curve.map((v, i) => `${x(i * clip.step).toFixed(1)} ${y(v).toFixed(1)}`);
    const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, class: "editor" },
      draw("path", { class: "axis", d: `M${LEFT} ${H - BOTTOM}H${W - RIGHT}` }),
      draw("path", { class: "curve", d: "M" + points.join("L") }));
    for (const frame of clip.spotted ?? [])
      svg.append(draw("path", { class: "spotted", d: `M${x(frame).toFixed(1)} ${TOP}V${H - BOTTOM}` }));
    const handles = NAMES.map((name) => draw("g", {
      class: "handle", role: "slider", tabindex: 0, "aria-label": `${name} of ${clip.key}, in frames`,
      "aria-valuemin": 0, "aria-valuemax": clip.n,
    }, draw("rect", { x: -9, y: 0, width: 18, height: H }), draw("path", { d: `M0 ${TOP}V${H - BOTTOM}` }),
      draw("path", { class: "grip", d: `M-5 ${H - BOTTOM}h10l-5 -9z` }),
      draw("text", { y: name === "apex" ? 10 : H - 5 })));

    function place() {
      handles.forEach((handle, i) => {
        handle.setAttribute("transform", `translate(${x(times[i]).toFixed(1)} 0)`);
        handle.setAttribute("aria-valuenow", times[i]);
        handle.setAttribute("aria-valuetext", `frame ${times[i]}, ${(times[i] / clip.fps).toFixed(2)} s`);
        const text = handle.querySelector("text");
        text.textContent = `${NAMES[i]} ${times[i]}`;
        const near = times[i] / clip.n;
        text.setAttribute("text-anchor",
          i === 1 ? (near < 0.1 ? "start" : near > 0.9 ? "end" : "middle")
            : i === 0 ? (near < 0.2 ? "start" : "end") : near > 0.8 ? "end" : "start");
      });
    }

    function move(i, frame) {
      const last = clip.n - 2 + i;
      const wanted = times.slice();
      wanted[i] = Math.min(last, Math.max(i, Math.round(frame)));
      const found = ordered(wanted, clip.n, i);
      if (found.every((time, k) => time === times[k])) return;
      times.splice(0, 3, ...found);
      place();
      changed();
    }

    handles.forEach((handle, i) => {
      const follow = (event) => {
        const box = svg.getBoundingClientRect();
        const at = ((event.clientX - box.left) / box.width) * W;
        move(i, ((at - LEFT) / (W - LEFT - RIGHT)) * clip.n);
      };
      handle.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        handle.setPointerCapture(event.pointerId);
        handle.focus();
      });
      handle.addEventListener("pointermove",
        (event) => handle.hasPointerCapture(event.pointerId) && follow(event));
      handle.addEventListener("keydown", (event) => {
        const step = STEPS[event.key];
        const ends = { Home: 0, End: clip.n }[event.key];
        if (step === undefined && ends === undefined) return;
        event.preventDefault();
        move(i, ends ?? times[i] + step);
      });
    });
    svg.append(...handles);
    place();
    return [svg, place];
  }

  function stateOf(clip, row) {
    if (!row) return "";
    if (row.source_sha256 && row.source_sha256 !== clip.sha) return ": a mark of another recording";
    if (review.isYes(row)) return ": rejected";
    return ": " + [row.onset !== "" && "boundaries", row.action && "action"].filter(Boolean).join(", ");
  }

  function controls(clip, show, said) {
    const row = review.of(clip.of);
    const isOurs = row && (!row.source_sha256 || row.source_sha256 === clip.sha);
    const mark = isOurs ? row : null;
    const times = timesOf(clip, mark);
    const check = (text, checked) => {
      const input = make("input", { type: "checkbox", checked });
      return [input, make("label", {}, input, ` ${text}`)];
    };
    const field = (text, value, list) => {
      const input = make("input", { type: "text", value, autocomplete: "off" });
      if (list) input.setAttribute("list", list);
      return [input, make("label", {}, `${text} `, input)];
    };
    const [wrong, wrongLabel] = check("Boundaries wrong", Boolean(mark && mark.onset !== ""));
    const [reject, rejectLabel] = check("Reject", review.isYes(mark));
    const [other, otherLabel] = field("Other action", mark?.action ?? "", "actions");
    const [note, noteLabel] = field("Note", mark?.note ?? "");

    const changed = () => {
      const isMarked = wrong.checked && !reject.checked;
      const action = reject.checked ? "" : other.value.trim();
      const [onset, apex, offset] = isMarked ? times.map(String) : ["", "", ""];
      const found = { key: clip.of, source_sha256: clip.sha, onset, apex, offset, action,
        reject: reject.checked ? "yes" : "", note: note.value.trim() };
      review.put(clip.of, isMarked || action || reject.checked ? found : null);
      show(isMarked ? times : null);
      said();
    };
    const [svg, place] = editor(clip, times, () => { wrong.checked = true; enable(); changed(); });
    const hint = make("p", { className: "hint",
      textContent: "Drag a boundary, or focus it and press the arrow keys. Dashed: as it was spotted." });
    const enable = () => {
      wrong.disabled = reject.checked || clip.n < 2;
      other.disabled = reject.checked;
      svg.classList.toggle("on", wrong.checked);
      for (const node of [svg, hint]) node.toggleAttribute("hidden", wrong.disabled);
    };
    for (const input of [wrong, reject, other, note])
      input.addEventListener("input", () => {
        if (!wrong.checked) times.splice(0, 3, ...timesOf(clip, null));
        place();
        enable();
        changed();
      });
    enable();
    show(wrong.checked && !reject.checked ? times : null);
    return make("fieldset", {}, make("legend", { textContent: `Review of ${clip.key}` }),
      svg, hint, wrongLabel, rejectLabel, otherLabel, noteLabel);
  }

  return (clip, show) => {
    const state = make("span", { className: "state" });
    const box = make("details", { className: "review" },
      make("summary", {}, "Review", state));
    const said = () => { state.textContent = stateOf(clip, review.of(clip.of)); };
    const fill = () => {
      box.querySelector("fieldset")?.remove();
      if (box.open) box.append(controls(clip, show, said));
      said();
    };
    box.addEventListener("toggle", fill);
    review.watch(clip, fill);
    said();
    return box;
  };
})();

review.start();
