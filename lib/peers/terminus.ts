import { assertInstalled } from './load-peer';

assertInstalled('@nestjs/terminus', 'SecretManagerHealthIndicator');

/**
 * Stands for the class of that name in `@nestjs/terminus`. By `imports` of package.json, Node loads this file instead of
 * the package. It loads nothing itself: Terminus 12 is an ES module, which neither jest nor Node 22.12 can always
 * `require`. The indicator finds the real class among the providers of the application.
 */
export class HealthIndicatorService {}
