import type * as sdk from '@aws-sdk/client-secrets-manager';
import { loadPeer } from './load-peer';

/**
 * The values that the driver imports from `@aws-sdk/client-secrets-manager`. Node finds this file in place of the
 * package, by `imports` of package.json, so that a missing package is explained.
 */
export const {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  RemoveRegionsFromReplicationCommand,
  ReplicateSecretToRegionsCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} = loadPeer<typeof sdk>('@aws-sdk/client-secrets-manager', 'AwsSecretManager');
