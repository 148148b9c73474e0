"use strict";
// The takes that have a label: a choice above the subjects hides all others.
const labelled = (() => {
  const choice = document.getElementById("label");
  const data = document.getElementById("labels");
  const numbers = data ? JSON.parse(data.textContent) : []; // of the clips of each choice
  const drawn = new Map(); // by number of the clip: its card and its curve

  const chosen = () => (choice && choice.value !== "" ? new Set(numbers[Number(choice.value)]) : null);

  function apply(number, nodes, wanted) {
    for (const node of nodes) node.classList.toggle("unlabelled", Boolean(wanted && !wanted.has(number)));
  }

  function show() {
    const wanted = chosen();
    for (const [number, nodes] of drawn) apply(number, nodes, wanted);
    for (const details of document.querySelectorAll("details.subject")) {
      const [first, after] = [Number(details.dataset.first), Number(details.dataset.after)];
      const some = !wanted || [...wanted].some((number) => first <= number && number < after);
      details.classList.toggle("unlabelled", !some);
    }
    document.getElementById("labelled").textContent = wanted ? `${wanted.size} takes shown` : "";
  }

  choice?.addEventListener("change", show);
  return {
    watch(clip, ...nodes) {
      drawn.set(clip.id, nodes);
      apply(clip.id, nodes, chosen());
    },
    clear() {
      if (!choice || choice.value === "") return;
      choice.value = "";
      show();
    },
  };
})();
