import { assertInstalled } from './load-peer';

assertInstalled('@nestjs/terminus', 'SecretManagerHealthIndicator');

/**
 * Stands for the class of that name in `@nestjs/terminus`. Node finds this file in place of the package, by `imports`
 * of package.json. The file loads nothing: Terminus 12 is an ES module, which neither jest nor Node 22.12 can always
 * `require`. The indicator finds the true class among the providers of the application.
 */
export class HealthIndicatorService {}
