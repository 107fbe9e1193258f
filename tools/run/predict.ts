// Prints a table, CSV or JSON of what a saved model says of files: format, artifacts folder, files and folders.
import { statSync } from "node:fs";
import { relative } from "node:path";
import { type ImagePrediction, predictImages } from "../../src/evaluation/predict-images";
import { filesIn, isImageFile } from "../../src/images/folders";
import { loadModel } from "../../src/pipeline/records";

async function main([format, artifacts, ...given]: string[]): Promise<void> {
	const saved = await loadModel(artifacts);
	if (!saved) throw new Error(`${artifacts} has no model: train one first, with npm start`);
	const paths = given.flatMap((path) =>
		statSync(path).isDirectory() ? [...filesIn(path)].filter(isImageFile).sort() : path,
	);
	if (paths.length === 0) throw new Error(`${given.join(", ")} has no pictures`);
	const { classNames } = saved.record;
	const predictions = await predictImages(saved.model, paths, { classNames });
	const here = process.env.INIT_CWD ?? ".";
	const rows = predictions.map((row) => ({ ...row, path: relative(here, row.path) }));
	console.log(printed(rows, format, classNames));
	const failed = rows.filter(({ error }) => error).length;
	if (failed > 0) console.error(`${failed} of ${rows.length} files cannot be read`);
}

function printed(rows: ImagePrediction[], format: string, classNames: string[]): string {
	if (format === "json") return JSON.stringify(rows, null, 2);
	if (format === "csv") {
		const line = (cells: (string | number | null)[]) => cells.map(quoted).join(",");
		const body = rows.map((row) => {
			const probabilities = classNames.map((_, i) => row.probabilities[i] ?? null);
			return line([row.path, row.label, row.probability, ...probabilities, row.error]);
		});
		return [line(["path", "label", "probability", ...classNames, "error"]), ...body].join("\n");
	}
	const width = Math.max(...rows.map(({ path }) => path.length));
	const names = Math.max(...classNames.map((name) => name.length));
	return rows
		.map(({ path, label, probability, error }) => {
			const found = error
				? `cannot be read: ${error}`
				: `${label?.padEnd(names)}  ${(100 * (probability ?? 0)).toFixed(1)} %`;
			return `${path.padEnd(width)}  ${found}`;
		})
		.join("\n");
}

/** As RFC 4180 asks. */
function quoted(cell: string | number | null): string {
	const text = String(cell ?? "");
	return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

main(process.argv.slice(2)).catch((error) => {
	console.error((error as Error).message);
	process.exit(1);
});
