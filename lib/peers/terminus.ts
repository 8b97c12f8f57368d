import type * as terminus from '@nestjs/terminus';
import { assertInstalled, loadPeer } from './load-peer';

const NAME = '@nestjs/terminus';

assertInstalled(NAME, 'SecretManagerHealthIndicator');

/**
 * A reference to the class of that name, which Node finds in place of `@nestjs/terminus` by `imports` of package.json. Terminus 12
 * is an ES module, which Node 22.12 cannot `require` while the application is still importing it. So the class is loaded later.
 */
export const HealthIndicatorService = {
  forwardRef: () =>
    loadPeer<typeof terminus>(NAME, 'SecretManagerHealthIndicator').HealthIndicatorService,
};
