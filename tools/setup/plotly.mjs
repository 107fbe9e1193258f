// plotly for reports, which carry it inside them: minified it is half the size.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { at } from "./paths.mjs";
import { contents, step } from "./steps.mjs";

export async function minifyPlotly() {
	const source = at("node_modules", "plotly.js-dist", "plotly.js");
	const target = at("node_modules", ".cache", "plotly.min.js");
	const inputs = contents(at("node_modules", "plotly.js-dist", "package.json"));
	await step("plotly for reports", at("node_modules", ".stamps", "plotly"), inputs, async () => {
		const { transform } = await import("esbuild");
		const code = readFileSync(source, "utf8");
		// The licence is in a comment that esbuild would not recognise as one.
		const [banner] = /\/\*[\s\S]*?\*\//.exec(code) ?? [];
		const minified = await transform(code, { minify: true, charset: "ascii", legalComments: "inline", banner });
		mkdirSync(dirname(target), { recursive: true });
		writeFileSync(target, minified.code);
	});
}
