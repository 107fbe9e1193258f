// `npm run bench`: the kernel, the pipeline's steps and cleaning, ours and the Python originals in turn, on the same
// images and cores.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commands } from "../commands.mjs";
import { datasetFolder } from "../data/fill";
import { wholeNumber } from "../setup/numbers.mjs";
import { shown } from "../setup/paths.mjs";
import { benchGpu } from "./gpu";
import { parts } from "./parts";

export async function main(args: string[]): Promise<void> {
	const { named, gpu, rounds, dataset, ...options } = readOptions(args);
	if (!existsSync(join(dataset, "train"))) {
		throw new Error(`${shown(dataset)} has no train folder: run npm start once, which makes the sample data set`);
	}
	if (gpu) await benchGpu(dataset, rounds);
	for (const [name, { run, optional }] of Object.entries(parts)) {
		const all = named.length === 0 && !gpu;
		if (named.includes(name) || (all && !optional)) await run(dataset, rounds, options);
	}
}

function readOptions(args: string[]) {
	const options = {
		dataset: { type: "string", multiple: true },
		rounds: { type: "string", default: "5" },
		quick: { type: "boolean", default: false },
		gpu: { type: "boolean", default: false },
		bfloat16: { type: "boolean", default: false },
	} as const;
	const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
	const unknown = positionals.find((part) => !Object.hasOwn(parts, part));
	if (unknown) {
		const names = Object.keys(parts).join(", ");
		throw new Error(`there is no benchmark ${unknown}: expected ${names}: ${commands.bench.usage}`);
	}
	return {
		named: positionals,
		quick: values.quick,
		gpu: values.gpu,
		bfloat16: values.bfloat16,
		rounds: values.quick ? 2 : wholeNumber("--rounds", values.rounds),
		dataset: datasetFolder(values.dataset?.[0]),
		datasets: (values.dataset ?? [undefined]).map((folder) => datasetFolder(folder)),
	};
}
