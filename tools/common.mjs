// Until tools/data, run, report and jupyter have moved: what their files import from here.

export { notebookNames as notebooks } from "./jupyter/notebooks.mjs";
export * from "./setup/paths.mjs";
export * from "./setup/processes.mjs";
export { isNear } from "./setup/text.mjs";

/** The number that was given with a flag. */
export function wholeNumber(flag, text) {
	const number = Number(text);
	if (Number.isInteger(number) && number > 0) return number;
	throw new Error(`${flag} ${text}: expected a whole number above 0`);
}
