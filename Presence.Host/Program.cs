Console.WriteLine("presence");
