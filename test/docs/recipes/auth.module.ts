import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { jwtKeys } from 'nestjs-custom-secret-manager/live';

@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [SecretsService],
      useFactory: (secrets: SecretsService) => ({
        // `preload` has read it
        secretOrKeyProvider: jwtKeys(secrets.secret('JWT_SECRET'), { overlapMs: 15 * 60_000 }),
        signOptions: { expiresIn: '15m' as const },
      }),
    }),
  ],
  exports: [JwtModule],
})
export class AuthModule {}
