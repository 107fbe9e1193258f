// plotly for reports, which carry it inside them: minified and compressed it takes a fifth of the space.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { at } from "./paths.mjs";
import { contents, step } from "./steps.mjs";

/** plotly as pages carry it: in base64, for `figures.js`. */
export const compressedPlotly = at("node_modules", ".cache", "plotly.base64");

export async function minifyPlotly() {
	const source = at("node_modules", "plotly.js-dist", "plotly.js");
	const inputs = ["gzip", contents(at("node_modules", "plotly.js-dist", "package.json"))];
	await step("plotly for reports", at("node_modules", ".stamps", "plotly"), inputs, async () => {
		const { transform } = await import("esbuild");
		const code = readFileSync(source, "utf8");
		// The licence is in a comment that esbuild would not recognise as one.
		const [banner] = /\/\*[\s\S]*?\*\//.exec(code) ?? [];
		const minified = await transform(code, { minify: true, charset: "ascii", legalComments: "inline", banner });
		mkdirSync(dirname(compressedPlotly), { recursive: true });
		writeFileSync(compressedPlotly, gzipSync(minified.code, { level: 9 }).toString("base64"));
	});
}
