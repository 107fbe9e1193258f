// `npm run predict -- FILE|FOLDER…`: what the model that was trained last says of pictures.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { at, fromHere, run, runInTerminal } from "../common.mjs";
import { setup } from "../setup.mjs";

const usage = "npm run predict -- FILE|FOLDER… [--format table|csv|json] [--artifacts DIR]";
const formats = ["table", "csv", "json"];

await run(async () => {
	const options = { format: { type: "string", default: "table" }, artifacts: { type: "string" } };
	const { values, positionals } = parseArgs({ allowPositionals: true, options });
	if (positionals.length === 0) throw new Error(`there is nothing to predict: ${usage}`);
	if (!formats.includes(values.format)) throw new Error(`--format ${values.format}: expected ${formats.join(", ")}`);
	const paths = positionals.map(fromHere);
	const missing = paths.find((path) => !existsSync(path));
	if (missing) throw new Error(`there is no ${missing}`);
	await setup();
	const artifacts = values.artifacts ? fromHere(values.artifacts) : at("artifacts");
	const args = ["--import", "tsx", at("tools", "run", "predict.ts"), values.format, artifacts, ...paths];
	const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };
	process.exitCode = await runInTerminal("node", args, { env });
});
