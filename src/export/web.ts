// A model as one HTML file that classifies images in a browser, without a server or a network.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { browserScript } from "../support/browser-script";
import type { layersModel } from "./layers-model";
import type { Description } from "./metadata";

const PAGE = join(__dirname, "..", "web", "page");
/** What the notebooks' code imports is TensorFlow.js for Node; a browser has its own. */
const ALIAS = { "@tensorflow/tfjs-node-gpu": "@tensorflow/tfjs" };

/** Returns the page of a model: HTML, style, script, model and the binary of TensorFlow.js's WebAssembly backend. */
export function toPage(
	{ weightData, ...model }: Awaited<ReturnType<typeof layersModel>>,
	metadata: Description,
): string {
	const embedded = JSON.stringify({ ...model, weightData: weightData.toString("base64"), metadata });
	const wasm = join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")), "tfjs-backend-wasm-simd.wasm");
	const parts = {
		style: `<style>${readFileSync(join(PAGE, "style.css"), "utf8")}</style>`,
		scripts: [
			// Class names can be markup.
			`<script type="application/json" id="model">${embedded.replaceAll("<", "\\u003c")}</script>`,
			`<script type="text/plain" id="wasm">${readFileSync(wasm, "base64")}</script>`,
			`<script>${browserScript(join(PAGE, "main.ts"), { alias: ALIAS })}</script>`,
		].join("\n"),
	};
	return readFileSync(join(PAGE, "index.html"), "utf8").replaceAll(
		/<!-- (style|scripts) -->/g,
		(_, name: keyof typeof parts) => parts[name],
	);
}
