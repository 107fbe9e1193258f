// The parts of a page that compute in the browser: Verify, What if, Try; with the data and the program that they need.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Claim } from "../../src/display/claims";
import type { PredictionsRecord } from "../../src/pipeline/predictions";
import { browserScript } from "../../src/support/browser-script";
import { readJson } from "../../src/support/json";
import { Html, html, scriptData } from "../../src/support/text";
import { trainedModel } from "../run/trained-model";
import { at } from "../setup/paths.mjs";

/** The notebook whose figures follow from the predictions. */
const EVALUATION = /^05-/;

/** The predictions as they stand in a page: a line of JSON. */
export const predictionsJson = ({ model, names, ...rest }: PredictionsRecord, withNames: boolean): string =>
	String(scriptData({ ...rest, names: withNames ? names : [] }));

/** What goes into the page of the evaluation. */
export interface Embedded {
	/** From `predictionsJson`; null where no evaluation of the model has left any. */
	predictions: string | null;
	/** The page of the exported model; null where it was not asked for. */
	modelPage: string | null;
}

/** Returns the page of the model that was trained last, with its kernels in 8 bits. */
export async function modelPageOf(artifacts: string): Promise<string> {
	const { model, record, temperature } = await trainedModel(artifacts);
	const { exportModel } = require("../../src/export") as typeof import("../../src/export");
	const folder = mkdtempSync(join(tmpdir(), "model-page-"));
	try {
		const metadata = {
			...{ classNames: record.classNames, temperature },
			...(record.weights && { weights: record.weights }),
		};
		return readFileSync(await exportModel(model, folder, { format: "web", metadata, weights: "uint8" }), "utf8");
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** Style and program of the sections, which are the same on each page. */
export const sectionsCode = () => ({
	style: new Html(readFileSync(at("tools", "report", "interactive", "style.css"), "utf8")),
	program: new Html(browserScript(at("tools", "report", "interactive", "main.ts"))),
});

/**
 * Returns the sections of a notebook's page; nothing for one without claims.
 *
 * @param code from `sectionsCode`
 */
export function interactiveSections(
	name: string,
	reports: string,
	embedded: Embedded,
	{ style, program }: ReturnType<typeof sectionsCode>,
): Html {
	const isEvaluation = EVALUATION.test(name);
	const predictions = isEvaluation ? embedded.predictions : null;
	const modelPage = isEvaluation ? embedded.modelPage : null;
	const claims = claimsOf(join(reports, `${name}.ipynb`));
	if (predictions === null && modelPage === null && claims.length === 0) return html``;
	return html`<style>${style}</style>
${verifySection(predictions !== null)}
${predictions && whatIfSection(JSON.parse(predictions))}
${modelPage && trySection()}
<script type="application/json" id="claims">${scriptData(claims)}</script>
${predictions && html`<script type="application/json" id="predictions">${new Html(predictions)}</script>`}
${modelPage && html`<script type="text/plain" id="model-page">${gzipSync(modelPage).toString("base64")}</script>`}
<script>${program}</script>
`;
}

/** The claims that a notebook made when it ran. */
function claimsOf(notebook: string): Claim[] {
	type Output = { metadata?: { claims?: Claim[] } };
	const { cells } = readJson(notebook) as { cells: { outputs?: Output[] }[] };
	return cells.flatMap(({ outputs = [] }) => outputs).flatMap(({ metadata }) => metadata?.claims ?? []);
}

const verifySection = (isEvaluation: boolean) => html`<section class="interactive" id="verify"><h2>Verify</h2>
<p>${
	isEvaluation
		? "This page holds the network's outputs for each validation and test image. From them the figures above are computed again, in this browser and without the notebook's code, and each is marked: ✓ the same, or ≠ with the other value."
		: "Whether each claim above held is decided again from the interval that the notebook measured. The evaluation's page goes further: it computes its figures again from the predictions."
}</p>
<p><button type="button">Verify the figures of this page</button> <span role="status"></span></p></section>`;

const slider = (name: string, label: string, range: string) =>
	html`<label>${label} <input type="range" name="${name}" ${new Html(range)}> <output></output></label>\n`;

const whatIfSection = ({ classNames, positiveClass }: PredictionsRecord) => {
	const positive = classNames[positiveClass];
	return html`<section class="interactive" id="what-if"><h2>What if</h2>
<p>What another threshold, other costs and another share of <em>${positive}</em> among the images would give, with the calibrated probabilities. Choose on the validation images; the test images say what the choice is worth. The address holds the choice, to be sent.</p>
<form>
${slider("threshold", `Called ${positive} from a probability of`, 'min="0" max="1" step="0.01"')}
${slider("falseNegative", `Cost of a missed image of ${positive}`, 'min="0" step="0.5"')}
${slider("falsePositive", "Cost of a false alarm", 'min="0" step="0.5"')}
${slider("prior", `${positive} among the images`, 'min="0.001" max="0.999" step="any"')}
<button type="button">As in the notebook</button></form>
<div class="outcome" aria-live="polite"></div></section>`;
};

const trySection = () => html`<section class="interactive" id="try"><h2>Try</h2>
<p>The network is in this page, with its kernels in 8 bits: drop an image, and it is classified in this browser.</p>
<p><button type="button">Start the network</button></p></section>`;
