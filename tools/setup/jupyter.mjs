// What JupyterLab and papermill need to run TypeScript. All of it lives in `.venv`: the user's other Jupyter
// installations do not see it.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { at, python } from "./paths.mjs";
import { outputOf, quietTensorFlow } from "./processes.mjs";
import { contents, pathsIn, step } from "./steps.mjs";

const share = at(".venv", "share", "jupyter");
const kernelFolder = join(share, "kernels", "tslab");

const kernelspec = {
	argv: ["node", "{resource_dir}/main.cjs", "{connection_file}"],
	display_name: "TypeScript",
	language: "typescript",
	// By a message, which a thread of the kernel receives also while a cell keeps the main one busy.
	interrupt_mode: "message",
	env: quietTensorFlow,
	// JupyterLab has a bug icon for kernels that say so before they are started.
	metadata: { debugger: true },
};

/** Bundles the kernel, and installs it with its kernelspec. */
export async function installKernel() {
	// The kernel bundles files of src/ too.
	const display = ["figures", "svg", "table"].map((name) => at("src", "display", `${name}.ts`));
	const shared = [...display, ...pathsIn(at("src", "support"))];
	// JupyterLab's launcher looks for the icon under this name.
	const icon = at("tools", "jupyter", "logo-svg.svg");
	const code = ["", "debugger", "profile", "values"].flatMap((folder) => pathsIn(at("tools", "kernel", folder)));
	const sources = contents(...code.filter((path) => path.endsWith(".ts")), ...shared, icon);
	await step("tslab kernel", at(".venv", ".stamps", "kernel"), [kernelspec, sources], async () => {
		const { build } = await import("esbuild");
		// Packages stay outside: Node finds them in the project's node_modules, since `.venv` is below it.
		await build({
			entryPoints: ["main", "control-thread"].map((name) => at("tools", "kernel", `${name}.ts`)),
			outdir: kernelFolder,
			outExtension: { ".js": ".cjs" },
			bundle: true,
			packages: "external",
			platform: "node",
			sourcemap: true,
		});
		copyFileSync(icon, join(kernelFolder, basename(icon)));
		writeJson(join(kernelFolder, "kernel.json"), kernelspec);
	});
}

/** JupyterLab's defaults, where they are not its own. */
export async function installSettings() {
	const settings = {
		// Its question whether it may ask a host elsewhere for news would cover the first notebook.
		"@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
		// A notebook that is opened again shows its widgets as they were, not "model not found".
		"@jupyter-widgets/jupyterlab-manager:plugin": { saveState: true },
	};
	await step("JupyterLab's settings", at(".venv", ".stamps", "settings"), settings, () => {
		writeJson(join(share, "lab", "settings", "overrides.json"), settings);
	});
}

/** Puts the folder with papermill's TypeScript plugin on the path of the Python in `.venv`. */
export async function installPapermillPlugin() {
	const packages = outputOf(python, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]);
	if (!packages) throw new Error(".venv has no Python that starts: remove .venv and run npm run setup");
	const line = `${relative(packages, at("tools", "jupyter", "papermill"))}\n`;
	await step("papermill for TypeScript", at(".venv", ".stamps", "papermill"), line, () => {
		writeFileSync(join(packages, "papermill_typescript.pth"), line);
	});
}

/**
 * @param {string} file
 * @param {object} content
 */
function writeJson(file, content) {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, JSON.stringify(content, null, 2));
}
