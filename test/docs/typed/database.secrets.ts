import { IsInt, IsPort, IsString, Max, MinLength } from 'class-validator';
import { Secret, SecretValue } from 'nestjs-custom-secret-manager';
import { z } from 'zod';

export class RdsLogin {
  @IsString() readonly host!: string;
  @IsPort() readonly port: string = '5432';
  @IsString() readonly username!: string;
  @MinLength(12) readonly password!: string;
}

const Flags = z.object({ beta: z.boolean() });

export class DatabaseSecrets {
  @SecretValue('prod/db', { json: RdsLogin }) readonly login!: Secret<RdsLogin>;

  @SecretValue('DB_POOL_SIZE', { parse: Number, optional: true })
  @IsInt()
  @Max(100)
  readonly poolSize!: Secret<number> | undefined;

  @SecretValue('FLAGS', { schema: Flags }) readonly flags!: Secret<z.infer<typeof Flags>>;
}
