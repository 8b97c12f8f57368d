import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { SecretsService } from 'nestjs-custom-secret-manager';

@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [SecretsService],
      useFactory: (secrets: SecretsService) => {
        const key = secrets.secret('JWT_SECRET'); // `preload` has read it
        return {
          secretOrKeyProvider: () => key.reveal(),
          signOptions: { expiresIn: '15m' as const },
        };
      },
    }),
  ],
  exports: [JwtModule],
})
export class AuthModule {}
