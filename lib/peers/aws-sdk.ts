import type * as sdk from '@aws-sdk/client-secrets-manager';
import { loadPeer } from './load-peer';

/**
 * The values that the driver imports from `@aws-sdk/client-secrets-manager`. By `imports` of package.json, Node loads
 * this file instead of the package, so that the error for a missing package explains it.
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
