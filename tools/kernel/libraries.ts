// Which of TypeScript's libraries describe what this Node has, and what to say of the others.
import type { Diagnostic } from "tslab/dist/converter";

/** The libraries of a version of ECMAScript, and the first Node that has all of it. */
const EDITIONS: [edition: number, node: number][] = [
	[2025, 24],
	[2024, 22],
];
/** All that is older than the oldest Node that the kernel runs in. */
const OLDEST = 2023;

const majorOf = (version: string) => Number(version.split(".")[0]);

/** Returns the libraries for a version of Node, such as 20.19.0. */
export function libraries(version: string): string[] {
	const [edition] = EDITIONS.find(([, node]) => majorOf(version) >= node) ?? [OLDEST];
	const newest = edition === EDITIONS[0][0] ? ["lib.esnext.disposable.d.ts"] : [];
	return [`lib.es${edition}.d.ts`, ...newest];
}

/** Replaces TypeScript's advice to change its options, which cells do not have. */
export function withLibraryHint(error: Diagnostic, version = process.versions.node): Diagnostic {
	const advice =
		/ Do you need to change your target library\?.* compiler option to (?:include )?'([^']+)'(?: or later)?\.$/;
	const [, library] = advice.exec(error.messageText) ?? [];
	if (!library) return error;
	return { ...error, messageText: error.messageText.replace(advice, ` ${hint(library, version)}`) };
}

function hint(library: string, version: string): string {
	if (library === "dom") return 'Cells run in Node, which has no page: display.html("…") of "tslab" shows HTML.';
	const [, node] = EDITIONS.find(([edition]) => library === `es${edition}`) ?? [];
	if (node) return `Node ${version} may not have it: it comes with Node ${node}.`;
	return `Node ${version} may not have it.`;
}
