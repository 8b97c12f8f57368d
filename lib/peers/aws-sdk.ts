import type * as sdk from '@aws-sdk/client-secrets-manager';
import { loadPeer } from './load-peer';

/**
 * All that the driver imports from `@aws-sdk/client-secrets-manager`. The `imports` of package.json lead here, so that a missing
 * package is explained.
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
