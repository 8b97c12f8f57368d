import type * as sdk from '@aws-sdk/client-ssm';
import { loadPeer } from './load-peer';

/**
 * The values that the driver imports from `@aws-sdk/client-ssm`. By `imports` of package.json, Node loads this file
 * instead of the package, so that the error for a missing package explains it.
 */
export const {
  AddTagsToResourceCommand,
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  SSMClient,
} = loadPeer<typeof sdk>('@aws-sdk/client-ssm', 'AwsParameterStoreSecretManager');
