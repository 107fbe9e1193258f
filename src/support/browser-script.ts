// Programs of pages: TypeScript and what it imports, in one script.
import { buildSync } from "esbuild";

/**
 * Bundles a program for browsers, to be put into a script element.
 *
 * @param entry the program's file
 * @param alias packages that are replaced by others, by name. Default: none
 */
export function browserScript(entry: string, alias: Record<string, string> = {}): string {
	const { outputFiles } = buildSync({
		entryPoints: [entry],
		alias,
		...{ bundle: true, minify: true, write: false, format: "iife", platform: "browser", target: "es2022" },
		// Nothing in a script ends the element that it is in.
		supported: { "inline-script": false },
		legalComments: "none",
		logLevel: "silent",
	});
	return outputFiles[0].text;
}
