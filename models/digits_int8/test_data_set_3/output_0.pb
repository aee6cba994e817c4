
BscoresJ(h&ÀàéÀßŠ@5GYAyW0À¬êû¿Wm\Á¬rÀß
À›¹â?