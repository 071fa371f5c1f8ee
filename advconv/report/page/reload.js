"use strict";
{
  // A served page is loaded again when its file has changed, at the same place, with the same row and focus.
  const PLACE = "advconv-place";
  const version = document.querySelector("meta[name=advconv-version]").content;
  const panes = () => [...document.querySelectorAll(".scroll")];
  const stops = (region) => [...(document.getElementById(region) ?? document).querySelectorAll("a, button, [tabindex]")];

  const remember = () => {
    const focus = document.activeElement;
    const region = focus.closest("section")?.id ?? "";
    const row = document.querySelector("[role=option][aria-selected=true]")?.dataset.row;
    const scrolled = panes().map((pane) => [pane.scrollLeft, pane.scrollTop]);
    const place = { region, stop: stops(region).indexOf(focus), row, scrolled, top: [scrollX, scrollY] };
    sessionStorage.setItem(PLACE, JSON.stringify(place));
  };

  const restore = ({ region, stop, row, scrolled, top }) => {
    document.querySelector(`[role=option][data-row="${Number(row)}"]`)?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    stops(region)[stop]?.focus({ preventScroll: true });
    panes().forEach((pane, index) => pane.scrollTo(...(scrolled[index] ?? [0, 0])));
    scrollTo(...top);
  };

  // A notice that the file is missing has no place of its own.
  const hasPlace = document.getElementById("data") !== null;
  const place = sessionStorage.getItem(PLACE);
  if (hasPlace && place) {
    sessionStorage.removeItem(PLACE);
    restore(JSON.parse(place));
  }

  new EventSource("changes").addEventListener("message", (event) => {
    if (event.data === version) return;
    if (hasPlace) remember();
    location.reload();
  });
}
