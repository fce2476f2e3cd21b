// What the pages can do beyond reading: search, and copying of hashes. Without this script nothing is missing but
// these controls, which are hidden until it runs. It asks nothing of any server.
(() => {
  "use strict";

  const SEARCHED_AFTER = 120; // milliseconds without a key

  /** Without case and accents, so that "uber" finds "Über". */
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  /** The current values in the text of a status line. */
  const fill = (text, n, all) => text.replace("{n}", n).replace("{all}", all);

  function search(box) {
    const find = box.querySelector("input");
    const language = box.querySelector("select");
    const status = box.querySelector("[role=status]");
    const items = [...document.querySelectorAll("[data-item]")].map((element) => ({
      element,
      text: plain(element.dataset.item),
      language: element.dataset.language,
    }));

    function apply() {
      const words = plain(find.value).split(/\s+/).filter(Boolean);
      const wanted = language ? language.value : "";
      let shown = 0;
      for (const item of items) {
        const found =
          words.every((word) => item.text.includes(word)) && (!wanted || item.language === wanted);
        item.element.hidden = !found;
        shown += found;
      }
      const { shown: some, nothing, elsewhere } = status.dataset;
      const isSearching = words.length > 0 || wanted !== "";
      const said = shown ? fill(some, shown, items.length) : nothing;
      status.textContent = isSearching ? [said, elsewhere].filter(Boolean).join(" ") : "";
    }

    let timer;
    find.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, SEARCHED_AFTER);
    });
    find.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      find.value = "";
      apply();
    });
    language?.addEventListener("change", apply);
    box.hidden = false;
    // A browser that goes back fills the fields again.
    apply();
  }

  /** The clipboard is there on https and on the machine itself only; elsewhere the old way. */
  async function copy(code) {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(code.textContent);
      return;
    }
    const selection = getSelection();
    selection.selectAllChildren(code);
    document.execCommand("copy");
    selection.removeAllRanges();
  }

  function copyButton(button) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await copy(button.parentElement.querySelector("code"));
      } catch {
        return;
      }
      button.textContent = button.dataset.copied;
      setTimeout(() => (button.textContent = words), 2000);
    });
    button.hidden = false;
  }

  document.querySelectorAll("[data-search]").forEach(search);
  document.querySelectorAll("button.copy").forEach(copyButton);
})();
