import * as root from 'nestjs-custom-secret-manager';
import * as driverKit from 'nestjs-custom-secret-manager/driver-kit';
import * as parameterStore from 'nestjs-custom-secret-manager/drivers/aws-parameter-store';
import * as aws from 'nestjs-custom-secret-manager/drivers/aws-secrets-manager';
import * as azureKeyVault from 'nestjs-custom-secret-manager/drivers/azure-key-vault';
import * as conjur from 'nestjs-custom-secret-manager/drivers/cyberark-conjur';
import * as decrypting from 'nestjs-custom-secret-manager/drivers/decrypting';
import * as directory from 'nestjs-custom-secret-manager/drivers/directory';
import * as encryptedFile from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import * as environment from 'nestjs-custom-secret-manager/drivers/environment';
import * as google from 'nestjs-custom-secret-manager/drivers/google-secret-manager';
import * as hashicorpVault from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import * as fleet from 'nestjs-custom-secret-manager/fleet';
import * as live from 'nestjs-custom-secret-manager/live';
import * as sync from 'nestjs-custom-secret-manager/sync';
import * as terminus from 'nestjs-custom-secret-manager/terminus';
import * as testing from 'nestjs-custom-secret-manager/testing';
import ts from 'typescript';
import { FILES } from './source';

/** Returns the exported names, types included. */
function exportsOf(path: string): string[] {
  const names: string[] = [];
  for (const statement of FILES.get(path)?.statements ?? []) {
    if (
      !ts.isExportDeclaration(statement) ||
      !statement.exportClause ||
      !ts.isNamedExports(statement.exportClause)
    ) {
      throw new Error(`${path} exports by other ways than by name`);
    }
    names.push(...statement.exportClause.elements.map(({ name }) => name.text));
  }
  return names.sort();
}

const VALUES = [
  'ACCESS_MODES',
  'CustomSecretManager',
  'FALLBACKS',
  'InjectSecret',
  'InjectSecrets',
  'InjectSecretsOf',
  'InjectVirtualKeys',
  'KeyManagementSettings',
  'OnSecretChange',
  'SECRET_MANAGER',
  'SECRET_MANAGER_ERROR_CODES',
  'Secret',
  'SecretManagerError',
  'SecretManagerModule',
  'SecretValue',
  'SecretsService',
  'StoreResponseError',
  'VirtualKeysService',
  'getSecretManagerToken',
  'getSecretToken',
  'getSecretsOfToken',
  'getSecretsServiceToken',
  'getVirtualKeysServiceToken',
  'isSecretManagerError',
];

const TYPES = [
  'AccessMode',
  'BooleanGetOptions',
  'CacheOptions',
  'CircuitBreakerOptions',
  'CircuitState',
  'DeleteOptions',
  'Environment',
  'Fallback',
  'FeatureSecret',
  'FleetStatus',
  'GetOptions',
  'InvalidateOptions',
  'ManagerBinding',
  'NextSecret',
  'OperationOptions',
  'OutputOf',
  'PreloadedSecret',
  'RegistrationFacts',
  'RetryOptions',
  'RotateVirtualKeyOptions',
  'RotationStep',
  'SecretAnswer',
  'SecretChange',
  'SecretChangeListener',
  'SecretChangeSource',
  'SecretConversions',
  'SecretDescription',
  'SecretFieldDecorator',
  'SecretFieldOf',
  'SecretFieldReference',
  'SecretInspection',
  'SecretManagerErrorCode',
  'SecretManagerErrorContext',
  'SecretManagerModuleAsyncOptions',
  'SecretManagerModuleExtras',
  'SecretManagerModuleOptions',
  'SecretManagerModuleRootOptions',
  'SecretManagerOptionsFactory',
  'SecretMetadata',
  'SecretOutcome',
  'SecretReading',
  'SecretValueForm',
  'SecretValueOptions',
  'SecretsClass',
  'StandardSchema',
  'StandardSchemaResult',
  'StoreResponseErrorOptions',
  'StoredVirtualKey',
  'UseOptions',
  'VerifyOptions',
  'VirtualKey',
  'WriteOptions',
];

describe('the public API', () => {
  it.each<[string, string, object, string[], string[]]>([
    ['the package', 'index.ts', root, VALUES, TYPES],
    [
      './terminus',
      'terminus/index.ts',
      terminus,
      ['SecretManagerHealthIndicator'],
      ['IsHealthyOptions'],
    ],
    [
      './testing',
      'testing/index.ts',
      testing,
      [
        'InMemoryBus',
        'InMemorySecretManager',
        'InMemoryTransport',
        'fleetTransportConformance',
        'rotatingOf',
        'secretManagerConformance',
        'secretsOf',
      ],
      [
        'BrokerFault',
        'Capability',
        'ConformanceCase',
        'ConformanceHarness',
        'CutOptions',
        'Fault',
        'FaultOptions',
        'FleetTransportCase',
        'FleetTransportHarness',
        'RecordedCall',
        'Rotating',
      ],
    ],
    [
      './live',
      'live/index.ts',
      live,
      [
        'InjectRotating',
        'awsCredentials',
        'credentialsRejected',
        'jwtKeys',
        'liveKnex',
        'livePassword',
        'livePgClient',
        'liveRedis',
        'liveSequelize',
        'liveTls',
        'redisCredentials',
        'rotatingResource',
      ],
      [
        'AwsCredentials',
        'AwsCredentialsFields',
        'CertificateFields',
        'JwtAlgorithm',
        'JwtKeys',
        'JwtKeysOptions',
        'JwtSignOptions',
        'KnexDone',
        'KnexPool',
        'LiveCertificate',
        'LiveCredentials',
        'LiveKnexOptions',
        'LiveValue',
        'LoginFields',
        'RedisCredentialsProvider',
        'RedisLogin',
        'Rotating',
        'RotatingResourceOptions',
        'SecretNames',
        'SequelizeHooks',
        'TlsServer',
        'ValuesOf',
      ],
    ],
    [
      './fleet',
      'fleet/index.ts',
      fleet,
      ['NatsTransport', 'PostgresTransport', 'RedisTransport'],
      [
        'FleetKeySource',
        'FleetOptions',
        'FleetTransport',
        'FleetTransportListener',
        'NatsClient',
        'NatsTransportOptions',
        'PostgresClient',
        'PostgresTransportOptions',
        'RedisClient',
        'RedisTransportOptions',
      ],
    ],
    [
      './driver-kit',
      'driver-kit/index.ts',
      driverKit,
      [
        'NamedLock',
        'assertKnownOptions',
        'assertNoParams',
        'backoffMs',
        'isLoopback',
        'jittered',
        'kindOf',
        'parseRetryAfter',
        'pause',
        'quoteName',
        'readFields',
        'retryAfterHeader',
        'settledWithin',
        'unknownOptions',
        'waitFor',
      ],
      ['BackoffBounds', 'OperationContext'],
    ],
    [
      './drivers/aws-secrets-manager',
      'drivers/aws-secrets-manager/index.ts',
      aws,
      ['AwsSecretManager'],
      ['AwsClientOptions', 'AwsConnection', 'AwsSecretManagerOptions'],
    ],
    [
      './drivers/aws-parameter-store',
      'drivers/aws-parameter-store/index.ts',
      parameterStore,
      ['AwsParameterStoreSecretManager'],
      ['AwsConnection', 'AwsParameterStoreSecretManagerOptions', 'ParameterTier'],
    ],
    [
      './drivers/azure-key-vault',
      'drivers/azure-key-vault/index.ts',
      azureKeyVault,
      ['AzureKeyVaultSecretManager'],
      [
        'AzureAccessToken',
        'AzureAuth',
        'AzureCredential',
        'AzureKeyVaultSecretManagerOptions',
        'MapName',
      ],
    ],
    [
      './drivers/cyberark-conjur',
      'drivers/cyberark-conjur/index.ts',
      conjur,
      ['ConjurSecretManager'],
      ['ConjurAuth', 'ConjurSecretManagerOptions', 'TlsOptions'],
    ],
    [
      './sync',
      'sync/index.ts',
      sync,
      ['SyncHttp', 'requestSync'],
      ['SyncHttpOptions', 'SyncRequestOptions', 'SyncResponse', 'SyncTls'],
    ],
    [
      './drivers/environment',
      'drivers/environment/index.ts',
      environment,
      ['EnvironmentSecretManager'],
      ['EnvironmentSecretManagerOptions'],
    ],
    [
      './drivers/hashicorp-vault',
      'drivers/hashicorp-vault/index.ts',
      hashicorpVault,
      ['VaultSecretManager'],
      [
        'KvVersion',
        'VaultAuth',
        'VaultParams',
        'VaultSecretManagerOptions',
        'VaultServerOptions',
        'VaultServerState',
        'VaultTls',
      ],
    ],
    [
      './drivers/google-secret-manager',
      'drivers/google-secret-manager/index.ts',
      google,
      ['GoogleSecretManager'],
      [
        'ConnectionSettings',
        'GoogleAuth',
        'GoogleConnectionOptions',
        'GoogleEnvironment',
        'GoogleReplication',
        'GoogleSecretManagerOptions',
        'GoogleToken',
        'GoogleTokenSource',
        'MapName',
      ],
    ],
    [
      './drivers/decrypting',
      'drivers/decrypting/index.ts',
      decrypting,
      ['DecryptingSecretManager', 'awsKms', 'googleKms', 'vaultTransit'],
      [
        'AwsConnection',
        'AwsKmsClient',
        'AwsKmsCredentials',
        'AwsKmsOptions',
        'Cipher',
        'CipherHooks',
        'CipherOptions',
        'DecryptFunction',
        'Decrypter',
        'DecryptingSecretManagerOptions',
        'EncryptFunction',
        'Encrypter',
        'GoogleKmsOptions',
        'VaultTransitOptions',
      ],
    ],
    [
      './drivers/directory',
      'drivers/directory/index.ts',
      directory,
      ['DirectorySecretManager'],
      ['DirectorySecretManagerOptions'],
    ],
    [
      './drivers/encrypted-file',
      'drivers/encrypted-file/index.ts',
      encryptedFile,
      ['EncryptedFileSecretManager'],
      ['EncryptedFileSecretManagerOptions', 'KeyOptions', 'ListedSecret'],
    ],
  ])('of %s is exactly the list in this file', (_, path, loaded, values, types) => {
    expect(exportsOf(path)).toEqual([...values, ...types].sort());
    expect(Object.keys(loaded).sort()).toEqual(values);
  });

  it('of SecretsService has exactly these methods', () => {
    const methods = Object.getOwnPropertyNames(root.SecretsService.prototype);
    const needed = [
      'announce',
      'checkHealth',
      'circuitState',
      'delete',
      'fleet',
      'get',
      'getBoolean',
      'getMany',
      'getOrThrow',
      'getSync',
      'inspect',
      'invalidate',
      'managerName',
      'refresh',
      'rotate',
      'secret',
      'set',
    ];

    expect(methods).toEqual(expect.arrayContaining(needed));
    expect(methods.filter((method) => /load|start|close/i.test(method))).toEqual([]);
  });

  it('of a manager has one method to implement and eight to override', () => {
    const methods = Object.getOwnPropertyNames(root.CustomSecretManager.prototype);

    expect(methods).toEqual(
      expect.arrayContaining([
        'readSecretSync',
        'readSecrets',
        'writeSecret',
        'deleteSecret',
        'describeSecret',
        'validateEnvironment',
        'checkHealth',
        'close',
      ]),
    );
    expect(methods).not.toContain('readSecret');
  });
});
