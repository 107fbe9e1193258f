// Programs of pages: TypeScript and what it imports, in one script.

/**
 * Bundles a program for browsers, to be put into a script element.
 *
 * @param entry the program's file
 * @param options `alias`: packages that are replaced by others, by name, default none; `format`: `"iife"` for a script that runs,
 *   or `"esm"` for a module that exports, default `"iife"`
 */
export function browserScript(
	entry: string,
	{ alias = {}, format = "iife" }: { alias?: Record<string, string>; format?: "iife" | "esm" } = {},
): string {
	// Only now: every notebook imports this, and few make a page.
	const { buildSync } = require("esbuild") as typeof import("esbuild");
	const { outputFiles } = buildSync({
		entryPoints: [entry],
		...{ alias, format },
		...{ bundle: true, minify: true, write: false, platform: "browser", target: "es2022" },
		// Nothing in a script ends the element that it is in.
		supported: { "inline-script": false },
		legalComments: "none",
		logLevel: "silent",
	});
	return outputFiles[0].text;
}
