/*
 * Keeps the page current: when the session has changed, loads this page again and puts the new <main> in the place of the
 * old one. Without this script the page is the same, as it was when it was loaded.
 */
"use strict";
(() => {
  const own = new URL(document.currentScript.src);
  const events = new URL("events" + own.search, own);
  const pauseAfterFailure = 2000; // ms

  const messageStays = 10000; // ms

  let main = document.querySelector("main");
  if (!main || !window.EventSource || !window.fetch)
    return;
  /* The answer to a form that was refused has no address to load it from again; it stays as it is. */
  if (location.pathname !== new URL(".", own).pathname)
    return;

  /* The address without what it says about a change just made, which is news only once. */
  const page = new URL(location.href);
  page.searchParams.delete("done");
  page.hash = "";
  if (location.search.includes("done="))
    history.replaceState(null, "", page.pathname + page.search + location.hash);

  /* What the reader is told; a screen reader says it when it has nothing else to say. */
  const status = document.createElement("aside");
  status.className = "updates";
  status.setAttribute("aria-label", "Updates of this page");
  const pause = document.createElement("button");
  pause.type = "button";
  const news = document.createElement("span");
  news.setAttribute("role", "status");
  news.setAttribute("aria-live", "polite");
  status.append(pause, " ", news);
  main.before(status);

  let paused = false; // by the reader
  let behind = false; // the session has changed since the page was loaded
  let loading = false;
  let last = null; // number of the session's state, as told last

  function say(text) {
    if (news.textContent !== text)
      news.textContent = text;
  }

  function showPause() {
    pause.textContent = paused ? "Go on updating" : "Pause updates";
    pause.setAttribute("aria-pressed", String(paused));
  }

  /* Whether something was entered that has not been sent. */
  function isFilledIn(field) {
    if (field.localName === "select")
      return [...field.options].some(option => option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  }

  /* Whether the reader is doing something that a new <main> would disturb. */
  function busy() {
    const focus = document.activeElement;
    if (focus && main.contains(focus) && focus.matches("input, select, textarea, button"))
      return true;
    if ([...main.querySelectorAll("input, select")].some(isFilledIn))
      return true;
    const selection = document.getSelection();
    return Boolean(selection) && !selection.isCollapsed && main.contains(selection.anchorNode);
  }

  /* How to find an element again in the new page: by its id, or the id that its link leads to. */
  function nameOf(element) {
    if (element.id)
      return "#" + CSS.escape(element.id);
    const target = element.getAttribute("href");
    return target ? `${element.localName}[href="${CSS.escape(target)}"]` : null;
  }

  /* The key of a <details>: its id, or its place among all of them. */
  function keyOf(details, index) {
    return details.id || details.closest("[id]")?.id + " " + index;
  }

  /* Put the <main> of the document `fresh` in place; what was open, in view and in focus stays so. */
  function replace(fresh) {
    const open = new Map();
    document.querySelectorAll("details").forEach((details, index) => open.set(keyOf(details, index), details.open));
    const focused = main.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    const [x, y] = [window.scrollX, window.scrollY];
    fresh.querySelectorAll("details").forEach((details, index) => {
      const was = open.get(keyOf(details, index));
      if (was !== undefined)
        details.open = was;
    });
    document.title = fresh.title;
    const next = document.adoptNode(fresh.querySelector("main"));
    const message = main.querySelector("p.message");
    if (message && performance.now() < messageStays)
      next.querySelector("nav").before(message);
    main.replaceWith(next);
    main = next;
    window.scrollTo(x, y);
    if (focused)
      document.querySelector(focused)?.focus({preventScroll: true});
  }

  async function update() {
    if (loading || !behind)
      return;
    if (paused || busy()) {
      say("There is news; this page waits.");
      return;
    }
    loading = true;
    behind = false;
    try {
      const answer = await fetch(page, {headers: {Accept: "text/html"}, cache: "no-store"});
      if (!answer.ok && answer.status !== 400) // 400 is a page, too: it says what is wrong with the address
        throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!paused && !busy()) {
        replace(fresh);
        say("");
      } else {
        behind = true;
      }
    } catch {
      behind = true;
      say("The view does not answer; it is asked again.");
      setTimeout(update, pauseAfterFailure);
    }
    loading = false;
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    showPause();
    update();
  });
  document.addEventListener("focusout", () => setTimeout(update, 0));
  document.addEventListener("selectionchange", () => setTimeout(update, 0));

  function listen() {
    const source = new EventSource(events);
    source.addEventListener("change", event => {
      behind = behind || event.data !== last;
      last = event.data;
      update();
    });
    source.addEventListener("error", () => {
      /* It connects again by itself, unless it was refused: then the view has ended, or is started again. */
      if (source.readyState === EventSource.CLOSED)
        setTimeout(listen, 5 * pauseAfterFailure);
    });
  }

  showPause();
  listen();
})();
