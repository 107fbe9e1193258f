// `npm run lab`: JupyterLab with the TypeScript kernel, opened on the notebooks. Arguments go to JupyterLab.
import { at, python, pythonEnvironment, root, run, runInTerminal } from "../common.mjs";
import { fillDataset, setup } from "../setup.mjs";

await run(async () => {
	await setup();
	await fillDataset();
	const given = process.argv.slice(2);
	const settings = [
		`--ServerApp.root_dir=${root}`,
		"--LabApp.default_url=/lab/tree/notebooks/01-data-cleaning.ipynb",
		"--MultiKernelManager.default_kernel_name=tslab",
	].filter((setting) => !given.some((arg) => arg.startsWith(setting.split("=")[0])));
	const args = ["-m", "jupyter", "lab", ...settings, ...given];
	// With this folder on the path, "Save and Export As → HTML" gives the same page as `npm run report`.
	const configPath = [at("tools", "jupyter"), process.env.JUPYTER_CONFIG_PATH].filter(Boolean).join(":");
	process.exitCode = await runInTerminal(python, args, {
		env: { ...pythonEnvironment, JUPYTER_CONFIG_PATH: configPath },
	});
});
