/**
 * The export page: the form's options as one request, what came of it as facts, files and digests.
 *
 * An export of a large project takes minutes, so this request has no time limit, unlike those of ../js/api.js.
 */

const form = document.querySelector("#export-form");
const result = document.querySelector("[data-result]");
const commandLine = document.querySelector("[data-command-line]");

/** What the manifest counts, in words; those that are zero are not shown. */
const FACTS = [
  ["undecided_written", "joints nobody has judged, written as chosen"],
  ["dropped_points", "a model's points left out"],
  ["unconfirmed_boxes", "boxes nobody has confirmed"],
  ["boxes_from_points", "boxes made from the points"],
  ["boxes_from_image", "boxes made from the image's size"],
  ["areas_from_masks", "areas taken from masks"],
  ["areas_from_boxes", "areas taken from boxes"],
];
const MAX_DROPPED_SHOWN = 20;

/** The form's choices as the API takes them. */
function options() {
  const data = new FormData(form);
  return {
    name: data.get("name").trim(),
    with_midpoints: data.get("with_midpoints") === "1",
    unconfirmed: data.get("unconfirmed"),
    undecided: Number(data.get("undecided")),
  };
}

function showCommand() {
  const { name, with_midpoints, unconfirmed, undecided } = options();
  commandLine.textContent = [
    form.dataset.command, "export coco",
    with_midpoints ? "--with-midpoints" : "",
    unconfirmed === "keep" ? "--unconfirmed keep" : "",
    undecided === 1 ? "--undecided 1" : "",
    `--out ${name || "DIR"}`,
  ].filter(Boolean).join(" ");
}

/** An element with text or children. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const numbers = new Intl.NumberFormat("en");

function sizeInWords(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
}

function showReport(report, seconds) {
  const facts = make("dl", { className: "facts" });
  const add = (word, number) => facts.append(make("dt", {}, word), make("dd", {}, numbers.format(number)));
  add("images", report.images);
  add("annotations", report.annotations);
  for (const [key, word] of FACTS) if (report.manifest[key]) add(word, report.manifest[key]);

  const files = make("ul", { className: "plain file-list" }, ...report.files.map((file) =>
    make("li", {},
      make("div", { className: "row tight" },
        make("span", {}, make("strong", { className: "mono" }, file.path), ` ${sizeInWords(file.num_bytes)}`),
        make("a", { className: "button button-small", href: file.url, download: file.path }, "Download",
          make("span", { className: "visually-hidden" }, ` ${file.path}`))),
      make("code", { className: "digest mono", title: "SHA-256" }, `sha256 ${file.sha256}`))));

  const parts = [
    make("p", { className: "notice notice-ok" },
      `Written to exports/${report.name} and read back without a difference${seconds < 1 ? "" : `, in ${seconds.toFixed(1)} s`}.`),
    facts, files,
  ];
  if (report.dropped.length) {
    const shown = report.dropped.slice(0, MAX_DROPPED_SHOWN);
    const more = report.dropped.length - shown.length;
    parts.splice(1, 0, make("div", { className: "notice notice-warn" },
      make("p", {}, `${numbers.format(report.dropped.length)} records could not be written; the others are there:`),
      make("ul", {}, ...shown.map(({ record, reason }) => make("li", {}, `${record}: ${reason}`))),
      more > 0 ? make("p", {}, `and ${numbers.format(more)} more`) : ""));
  }
  result.replaceChildren(...parts);
}

function showFailure(sentence, field) {
  const place = field && form.querySelector(`[data-error-for="${CSS.escape(field)}"]`);
  if (place) {
    place.textContent = sentence;
    place.hidden = false;
    form.elements[field].setAttribute("aria-invalid", "true");
    form.elements[field].focus();
  }
  result.replaceChildren(make("p", { className: "notice notice-danger", role: "alert" }, `Nothing was exported: ${sentence}`));
}

function clearFailures() {
  for (const place of form.querySelectorAll("[data-error-for]")) {
    place.hidden = true;
    form.elements[place.dataset.errorFor].removeAttribute("aria-invalid");
  }
}

async function run() {
  const button = form.querySelector("[type=submit]");
  const start = performance.now();
  const elapsed = make("span", { ariaHidden: "true" }, "");
  const clock = setInterval(() => { elapsed.textContent = ` ${((performance.now() - start) / 1000).toFixed(0)} s`; }, 1000);
  clearFailures();
  button.disabled = true;
  result.replaceChildren(
    make("progress", { className: "progress", ariaLabel: "Exporting" }),
    make("p", { className: "muted" }, "Writing the file, then reading it back to compare it with the project …", elapsed));
  try {
    const answer = await fetch("/api/exports", {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify(options()),
      credentials: "same-origin",
    });
    const report = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
    if (answer.ok) showReport(report, (performance.now() - start) / 1000);
    else showFailure(report.error, report.field);
  } catch (error) {
    showFailure(`no answer from the server (${error.message})`, null);
  } finally {
    clearInterval(clock);
    button.disabled = false;
  }
}

form?.addEventListener("input", showCommand);
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
if (form) showCommand();
