// The compiler's options for cells and modules.
import { dirname, parse } from "node:path";
import type ts from "typescript";
import type { TypeScript } from "./compile-cache";
import { libraries } from "./libraries";
import { isForeignPackage } from "./package-paths";

/** The folder with Node's types for a notebook in whose folders there are none: tslab's are older. */
const nodeTypes = () => dirname(dirname(require.resolve("@types/node/package.json")));

/**
 * Returns the options for a notebook.
 *
 * @param options the converter's
 * @param folder folder of the notebook
 */
export const cellOptions = (ts: TypeScript, options: ts.CompilerOptions, folder: string): ts.CompilerOptions => ({
	...options,
	lib: libraries(process.versions.node),
	moduleResolution: ts.ModuleResolutionKind.Bundler,
	strict: true,
	// Those of ECMAScript, as in `src`.
	experimentalDecorators: false,
	// Else modules of ../src are "not under 'rootDir'". https://github.com/yunabe/tslab/issues/63
	rootDir: parse(folder).root,
	inlineSourceMap: true,
	// All others come with what imports them. Looking through every package of types takes a second.
	types: ["node"],
	typeRoots: [...(options.typeRoots ?? []).filter(isForeignPackage), nodeTypes()],
});
