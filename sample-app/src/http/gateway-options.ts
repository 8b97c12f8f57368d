/** What the application has to be created with: bodies are read after the guards, by `JsonBodyInterceptor`. */
export const GATEWAY_OPTIONS = { bodyParser: false } as const;
