// CommonJS from cells and modules, since Node runs what is compiled here as such.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";

/** Code as it runs. */
export interface Code {
	javascript: string;
	/** From JavaScript to TypeScript, to be applied one after another. */
	sourceMaps: string[];
}

/** The compiler's options. */
export const commonJSOptions = (ts: TypeScript): ts.CompilerOptions => ({
	module: ts.ModuleKind.CommonJS,
	esModuleInterop: true,
	experimentalDecorators: true,
	jsx: ts.JsxEmit.React,
	target: ts.ScriptTarget.ES2022,
	newLine: ts.NewLineKind.LineFeed,
	sourceMap: true,
});

/**
 * Makes a module CommonJS, in one step: unlike a cell, it has nothing to be transformed.
 *
 * @param text TypeScript or JavaScript
 */
export function moduleToCommonJS(ts: TypeScript, text: string, fileName: string): Code {
	const { javascript, sourceMap } = transpile(ts, replaceImportMeta(text), fileName);
	return { javascript, sourceMaps: [sourceMap] };
}

/**
 * Makes what the converter made of a cell CommonJS.
 *
 * @param code an ES module with an inline source map
 */
export function cellToCommonJS(ts: TypeScript, code: string): Code {
	const comment = /\n?\/\/# sourceMappingURL=data:application\/json;base64,(.*)\s*$/;
	const [, toTypeScript] = comment.exec(code) ?? ["", ""];
	const text = code.replace(comment, "");
	const cellMap = Buffer.from(toTypeScript, "base64").toString();
	// CommonJS already. Most cells import nothing, and this would be a third of the time that one takes.
	if (!/\b(import|export)\b/.test(text)) return { javascript: text, sourceMaps: [cellMap] };
	const { javascript, sourceMap } = transpile(ts, text, "custom.js");
	return { javascript, sourceMaps: [sourceMap, cellMap] };
}

function transpile(ts: TypeScript, code: string, fileName: string): { javascript: string; sourceMap: string } {
	const compilerOptions = commonJSOptions(ts);
	const { outputText, sourceMapText = "" } = ts.transpileModule(code, { fileName, compilerOptions });
	return { javascript: outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, ""), sourceMap: sourceMapText };
}

/** CommonJS has no `import.meta`. */
function replaceImportMeta(code: string): string {
	return code
		.replace(/\bimport\.meta\.url\b/g, 'require("url").pathToFileURL(__filename).href')
		.replace(/\bimport\.meta\.(dirname|filename)\b/g, "__$1");
}
