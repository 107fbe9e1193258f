// `npm run lab`: JupyterLab with the TypeScript kernel, opened on the notebooks. Arguments go to JupyterLab.
import { at, python, pythonEnvironment, root, run, runInTerminal } from "./common.mjs";
import { fillDataset, setup } from "./setup.mjs";

await run(async () => {
	await setup();
	await fillDataset();
	const args = [
		"-m",
		"jupyter",
		"lab",
		`--ServerApp.root_dir=${root}`,
		"--LabApp.default_url=/lab/tree/notebooks/01-data-cleaning.ipynb",
		"--MultiKernelManager.default_kernel_name=tslab",
		...process.argv.slice(2),
	];
	// With this folder on the path, "Save and Export As → HTML" gives the same page as `npm run report`.
	const configPath = [at("tools", "jupyter"), process.env.JUPYTER_CONFIG_PATH].filter(Boolean).join(":");
	process.exitCode = await runInTerminal(python, args, {
		env: { ...pythonEnvironment, JUPYTER_CONFIG_PATH: configPath },
	});
});
