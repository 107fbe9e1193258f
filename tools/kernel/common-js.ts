// CommonJS from cells and modules, since Node runs what is compiled here as such.
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";
import { replaceImports } from "./es-syntax";

/** Code as it runs. */
export interface Code {
	javascript: string;
	/** From JavaScript to TypeScript, to be applied one after another. */
	sourceMaps: string[];
}

const commonJSOptions = (ts: TypeScript): ts.CompilerOptions => ({
	module: ts.ModuleKind.CommonJS,
	esModuleInterop: true,
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
	const { javascript, sourceMap } = transpile(ts, text, fileName);
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
	const transformers = {
		before: [
			(context: ts.TransformationContext) => (file: ts.SourceFile) => replaceImports(ts, file, context, "module"),
		],
	};
	const { outputText, sourceMapText = "" } = ts.transpileModule(code, { fileName, compilerOptions, transformers });
	return { javascript: outputText.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, ""), sourceMap: sourceMapText };
}
