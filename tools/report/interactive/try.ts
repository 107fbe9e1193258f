// Try: the page of the exported model, which classifies images by itself, inside of the report.
import { bytesOf } from "../../../src/pipeline/decoded-predictions";

/** Lets the button of the page show the model that it holds, if it holds one. */
export function offerModel(): void {
	const [section, data] = ["try", "model-page"].map((id) => document.getElementById(id));
	const button = section?.querySelector("button");
	if (!section || !button || !data) return;
	button.addEventListener("click", async () => {
		button.disabled = true;
		const stream = new Blob([bytesOf(data.textContent ?? "")]).stream().pipeThrough(new DecompressionStream("gzip"));
		const frame = document.createElement("iframe");
		Object.assign(frame, { title: "Image classifier", allow: "camera", srcdoc: await new Response(stream).text() });
		button.replaceWith(frame);
	});
}
