// The camera: a live picture, and photographs of it.

/**
 * Lets a person take photographs with the camera.
 *
 * @param take what happens with each, a PNG
 * @param say tells why there is no picture
 */
export function useCamera(take: (photograph: File) => void, say: (message: string) => void): void {
	const section = document.querySelector("#live") as HTMLElement;
	const video = section.querySelector("video") as HTMLVideoElement;
	const on = (id: string, work: () => void) => document.querySelector(id)?.addEventListener("click", work);
	let stream: MediaStream | null = null;
	let count = 0;

	on("#camera", async () => {
		try {
			if (!navigator.mediaDevices) throw new Error("the page must come from https or this computer");
			stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
			video.srcObject = stream;
			section.hidden = false;
			section.querySelector("button")?.focus();
		} catch (error) {
			say(`The camera cannot be used: ${(error as Error).message}. Choose a photograph instead.`);
		}
	});
	on("#stop", () => {
		for (const track of stream?.getTracks() ?? []) track.stop();
		section.hidden = true;
	});
	on("#shoot", () => {
		const canvas = Object.assign(document.createElement("canvas"), {
			width: video.videoWidth,
			height: video.videoHeight,
		});
		canvas.getContext("2d")?.drawImage(video, 0, 0);
		canvas.toBlob((blob) => {
			if (blob) take(new File([blob], `photograph ${++count}.png`, { type: "image/png" }));
		}, "image/png");
	});
}
