import type * as sdk from '@aws-sdk/client-secrets-manager';
import { loadPeer } from './load-peer';

/**
 * What Node finds in place of `@aws-sdk/client-secrets-manager`, by `imports` of package.json, so that its absence is explained: all
 * that the driver imports from it.
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
