import { variablesOf, withoutUndefined } from '../../../core/validation/given-options';
import type { GoogleAuth, GoogleEnvironment } from '../../google/credentials/google-auth';
import { proxyFromEnvironment } from '../../http/options/proxy-from-environment';
import type { GoogleSecretManagerOptions } from './google.options';

/** Returns options from variables of Google and of LiteLLM. An empty variable counts as unset. */
export function optionsFromEnvironment(environment: GoogleEnvironment): GoogleSecretManagerOptions {
  const variable = variablesOf(environment);
  const options: GoogleSecretManagerOptions = {
    projectId: variable('GOOGLE_SECRET_MANAGER_PROJECT_ID') ?? variable('GOOGLE_CLOUD_PROJECT'),
    quotaProjectId: variable('GOOGLE_CLOUD_QUOTA_PROJECT'),
    auth: authOf(variable),
    ...proxyFromEnvironment(environment),
  };
  return withoutUndefined(options);
}

/** Returns the login of LiteLLM's own variable. Without it the order of Google's own applies. */
function authOf(variable: (name: string) => string | undefined): GoogleAuth | undefined {
  const path = variable('GCS_PATH_SERVICE_ACCOUNT');
  const isOverruled = variable('GOOGLE_APPLICATION_CREDENTIALS') !== undefined;
  return path === undefined || isOverruled ? undefined : { method: 'file', path };
}
