// Verify: computes the figures of the page again from its predictions, and marks each.
import { type Claim, claim, claimRow } from "../../../src/display/claims";
import { decoded } from "../../../src/pipeline/decoded-predictions";
import { counted } from "../../../src/support/format";
import { type Marks, marker } from "./annotate";
import { predictionsText, recordedHash, shownClaims } from "./embedded";
import { type Part, table } from "./parts";
import { recompute } from "./recompute";

/** Lets the button of the page verify it, and does so at once where the address ends in `#verify`, as a link at the top does. */
export function offerVerification(program: string): void {
	const button = document.querySelector<HTMLButtonElement>("#verify button");
	const status = document.querySelector<HTMLElement>("#verify [role=status]");
	if (!button || !status) return;
	const run = async () => {
		button.disabled = true;
		status.textContent = "Computing …";
		const problem = await tampering();
		const outcome = await verify(program, (message) => {
			status.textContent = message;
		}).catch((error: Error) => `The figures cannot be computed again: ${error.message}`);
		status.textContent = `${problem}${outcome}`;
		button.disabled = false;
	};
	const runIfAddressed = () => location.hash === "#verify" && !button.disabled && run();
	button.addEventListener("click", run);
	addEventListener("hashchange", runIfAddressed);
	runIfAddressed();
	const link = Object.assign(document.createElement("a"), { href: "#verify", textContent: "Verify the figures" });
	document.querySelector(".overview p")?.append(" · ", link);
}

/** Marks all figures, and returns the outcome in words. */
async function verify(program: string, say: (message: string) => void): Promise<string> {
	const marks = marker();
	const predictions = predictionsText();
	if (predictions === null) {
		marks.mark(table(shownClaims().map(decidedAgain).map(claimRow)));
		return sentence(marks, "the intervals that the notebook measured");
	}
	const { length } = await new Promise<{ length: number }>((done, failed) => {
		inBackground(program, predictions, failed, (message) => {
			if ("length" in message) return done(message);
			marks.mark(message);
			say(`${counted(marks.figures, "figure")} computed …`);
		});
	});
	return sentence(marks, `the predictions of ${counted(length, "test image")}`);
}

/** Why the predictions are not those of the run; nothing if they are. */
async function tampering(): Promise<string> {
	const predictions = predictionsText();
	if (predictions === null) return "";
	// Browsers have it on pages of this machine and over https only.
	if (!globalThis.crypto?.subtle) return "The predictions' SHA-256 cannot be computed on a page that comes over http. ";
	const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(predictions));
	const hex = [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
	const expected = recordedHash();
	if (hex === expected) return "";
	return `The predictions in this page are not those of the run: their SHA-256 is ${hex.slice(0, 12)}…, that of the run ${expected?.slice(0, 12) ?? "is missing"}…. `;
}

type Message = Part | { length: number };

/** Computes in a worker, or here where the browser has none for this page. */
function inBackground(
	program: string,
	predictions: string,
	failed: (error: Error) => void,
	receive: (message: Message) => void,
): void {
	try {
		const worker = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
		worker.onmessage = ({ data }) => receive(data);
		worker.onerror = ({ message }) => failed(new Error(message));
		worker.postMessage(predictions);
	} catch {
		try {
			for (const message of messages(predictions)) receive(message);
		} catch (error) {
			failed(error as Error);
		}
	}
}

/** What the worker does. */
export function answer({ data }: MessageEvent<string>): void {
	for (const message of messages(data)) postMessage(message);
}

function* messages(predictions: string): Generator<Message> {
	const evidence = decoded(JSON.parse(predictions));
	yield* recompute(evidence);
	yield { length: evidence.test.yTrue.length };
}

/** Decides a claim again by the interval that was measured. */
const decidedAgain = ({ claim: sentence, measured, expected, unit, reason }: Claim) => {
	// JSON has no NaN.
	const { value, low, high } = measured;
	const known = [value, low, high].map((number) => number ?? Number.NaN);
	return claim(sentence, { value: known[0], low: known[1], high: known[2] }, expected, { unit, reason });
};

function sentence({ figures, differences, missing, share }: Marks, source: string): string {
	const lost = missing.length === 0 ? "" : ` Not found on this page: ${missing.map((text) => `“${text}”`).join(", ")}.`;
	const verdict =
		differences === 0
			? `All ${counted(figures, "figure")} that follow from ${source} are as shown`
			: `${differences} of ${counted(figures, "figure")} ${differences === 1 ? "is" : "are"} not what follows from ${source}`;
	return `${verdict} (${(100 * share()).toFixed(1)} % of the numbers in this page's outputs).${lost}`;
}
