/** The options of the application. `JsonBodyInterceptor` reads bodies after the guards. */
export const GATEWAY_OPTIONS = { bodyParser: false } as const;
