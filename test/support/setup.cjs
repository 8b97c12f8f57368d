/** Keeps the number of frames that Node itself has. Jest wants 100, and maps each frame to its source. */
Error.stackTraceLimit = 10;
