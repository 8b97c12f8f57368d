export type { FleetKeySource, FleetOptions } from './fleet-options';
export type { FleetTransport, FleetTransportListener } from './fleet-transport';
